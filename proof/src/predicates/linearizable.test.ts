/** Registers and exclusive claims as a journal shows them, against trying every order. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { explained } from '../checkers/linearizable.test-helper.ts';
import type { Call } from '../checkers/linearizable.ts';
import { claims } from '../claims.ts';
import { judgeCheck } from '../evaluate.ts';
import { TestJournal } from '../journal.test-helper.ts';

const seeded = { seed: 20261121, numRuns: 1_500 };
const values = ['x', 'y', null] as const;
const processes = ['alice', 'bob'] as const;

interface Step {
  readonly does: string;
  readonly key: string;
  readonly by: string;
  readonly value: string | null;
  readonly expected: string | null;
}

interface Happened extends Call<Step> {
  outcome: 'ok' | 'fail' | 'info' | undefined;
  to: number;
}

const object = { key: '/input/key' };
const written = { value: '/input/value', ...object };
const register = [
  { operations: { op: 'store.read' }, does: 'read', value: '/output/value', ...object },
  { operations: { op: 'store.write' }, does: 'write', ...written },
  { operations: { op: 'store.cas' }, does: 'cas', expected: '/input/expected', ...written },
] as const;
const exclusive = [
  { operations: { op: 'store.claim' }, does: 'claim', ...object },
  { operations: { op: 'store.release' }, does: 'release', ...object },
  { operations: { op: 'store.holder' }, does: 'holder', value: '/output/value', ...object },
] as const;

/** What the step makes of the state; undefined: it cannot have happened there. `null`: nothing, nobody */
function registers(state: string | null, { does, value, expected }: Step): string | null | undefined {
  if (does === 'write') return value;
  if (does === 'cas' && state !== expected) return undefined;
  return does === 'cas' || state === value ? value : undefined;
}

function owns(state: string | null, { does, by, value }: Step): string | null | undefined {
  if (does === 'claim') return state === null ? by : undefined;
  if (does === 'release') return state === by ? null : undefined;
  return state === value ? state : undefined;
}

it.each([
  ['a register', register, registers, values],
  ['exclusive claims', exclusive, owns, [...processes, null]],
] as const)('%s: agrees with trying every order', (_, actions, model, found) => {
  const step = fc.record({
    what: fc.constant('begin' as const),
    does: fc.constantFrom(...actions.map(({ does }) => does)),
    key: fc.constantFrom('k', 'k', 'k', 'other'),
    by: fc.constantFrom(...processes),
    value: fc.constantFrom<(string | null)[]>(...found),
    expected: fc.constantFrom<(string | null)[]>(...values),
  });
  const end = fc.record({ what: fc.constant('end' as const), n: fc.nat(5), outcome: fc.constantFrom('ok', 'ok', 'ok', 'ok', 'fail', 'info') });
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(fc.oneof(step, end), { maxLength: 14, size: 'max' }), (events) => {
      const journal = new TestJournal().begin();
      const all: Happened[] = [];
      for (const event of events) {
        if (event.what === 'begin') {
          if (all.length > 5) continue;
          const { what: _what, ...asked } = event;
          const { key, value, expected, does, by } = asked;
          const { seq } = journal.write({ type: 'invoke', id: `op-${all.length}`, process: by, surface: 'rest', op: `store.${does}`, input: { key, value, expected } }); // prettier-ignore
          all.push({ action: asked, outcome: undefined, from: seq, to: Infinity });
          continue;
        }
        const ended = all[event.n];
        if (!ended || ended.outcome !== undefined) continue;
        ended.outcome = event.outcome as 'ok';
        const ok = ended.outcome === 'ok';
        const { seq } = journal.write({ type: ended.outcome, id: `op-${event.n}`, ...(ok && { output: { value: ended.action.value } }) });
        if (ok) ended.to = seq;
      }
      const looks = ({ does }: Step): boolean => does === 'read' || does === 'holder';
      const happened = all.filter(({ outcome, action }) => outcome !== 'fail' && (outcome === 'ok' || !looks(action)));
      const whole = [...Map.groupBy(happened, ({ action }) => action.key).values()].every((of) => explained(of, model, null));
      const { status } = judgeCheck(journal.check('a/b/1', claims.linearizable(actions)), journal.lines);
      seen.add(status);
      expect(status).toBe(happened.length === 0 ? 'unverified' : whole ? 'pass' : 'fail');
    }),
    seeded,
  );
  expect([...seen].toSorted()).toEqual(['fail', 'pass', 'unverified']);
});
