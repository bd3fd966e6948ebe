/** Whether what observers said about who is there could be true, given when nodes were certainly up and certainly down. */

/** Both ends belong to it; ms. */
export type Span = readonly [from: number, to: number];

/** What is certain about one node. */
export interface Life {
  readonly up: readonly Span[];
  readonly down: readonly Span[];
}

/** `subject` was shown as online or not, from `from` until (not at) `to`; a mere look has no length. */
export interface View {
  readonly observer: string;
  readonly subject: string;
  readonly online: boolean;
  readonly from: number;
  readonly to: number;
}

/**
 * The first moment at which a view was false for longer than `within` ms, while the observer had been up for as long;
 * undefined when it never was. A node without a life was never certainly anything.
 */
export function falseSince({ observer, subject, online, from, to }: View, lives: ReadonlyMap<string, Life>, within: number): number | undefined {
  const contrary = (online ? lives.get(subject)?.down : lives.get(subject)?.up) ?? [];
  let first: number | undefined;
  for (const [began, ended] of contrary) {
    for (const [woke, slept] of lives.get(observer)?.up ?? []) {
      const since = Math.max(from, began + within, woke + within);
      const until = Math.min(ended, slept);
      if (since > until || (since >= to && since !== from)) continue;
      if (first === undefined || since < first) first = since;
    }
  }
  return first;
}
