/** What `muster prove` may take with nothing asked of it: three daemons, 1,000 messages each, on two idle cores. */

/** ms by part of the run; `bundle` is writing and signing the evidence */
export const STANDARD_BUDGETS = { boot: 1_500, smoke: 2_000, mesh: 1_000, stress: 3_000, bundle: 500 } as const satisfies Readonly<
  Record<string, number>
>;
