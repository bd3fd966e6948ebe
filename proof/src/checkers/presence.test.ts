import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { falseSince, type Life, type Span } from './presence.ts';

const seeded = { seed: 20261121, numRuns: 3_000 };
const spans = fc.array(fc.nat(24), { maxLength: 6 }).map((cuts): Span[] => {
  const sorted = [...new Set(cuts)].toSorted((a, b) => a - b);
  return sorted.flatMap((from, index) => (index % 2 === 0 && index + 1 < sorted.length ? [[from, sorted[index + 1]!] as const] : []));
});
const life = fc.record({ up: spans, down: spans });

it('agrees with looking at every moment of the view', () => {
  const seen = new Set<boolean>();
  const view = fc.record({ online: fc.boolean(), from: fc.nat(20), length: fc.nat(10), within: fc.nat(6), subject: life, observer: life });
  fc.assert(
    fc.property(view, ({ online, from, length, within, subject, observer }) => {
      const lives = new Map<string, Life>([['alice', subject], ['bob', observer]]); // prettier-ignore
      const throughout = (all: readonly Span[], moment: number) => all.some(([began, ended]) => began <= moment - within && moment <= ended);
      let expected: number | undefined;
      for (let moment = from; moment === from || moment < from + length; moment++) {
        const contrary = throughout(online ? subject.down : subject.up, moment);
        if (contrary && throughout(observer.up, moment)) expected ??= moment;
      }
      const since = falseSince({ observer: 'bob', subject: 'alice', online, from, to: from + length }, lives, within);
      seen.add(since === undefined);
      expect(since).toBe(expected);
    }),
    seeded,
  );
  expect(seen.size).toBe(2);
});
