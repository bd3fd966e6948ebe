/** Chance that is not secret (jitter, peer choice); seeded in simulation. Secrets come from the crypto port. */
export interface Random {
  /** uniform in [0, 1) */
  next(): number;
}
