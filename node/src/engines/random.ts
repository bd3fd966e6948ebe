import type { Random } from '../ports/index.ts';

/** Not seeded and not secret: jitter and peer choice of a real daemon. */
export function systemRandom(): Random {
  return { next: () => Math.random() };
}
