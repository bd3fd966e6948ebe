import { expect, test } from 'vitest';
import { AnsweredOperations, compare } from './divergence.ts';
import type { JournalEntry, JournalLine } from './journal.ts';
import type { Json } from './json.ts';
import { bootPrefix } from './parts.ts';

interface Done {
  readonly op: string;
  readonly input?: Json;
  readonly type?: 'ok' | 'fail' | 'info';
  readonly status?: number;
  readonly output?: Json;
}

function run(...done: readonly Done[]): AnsweredOperations {
  const operations = new AnsweredOperations();
  let seq = 0;
  const add = (entry: JournalEntry): void => operations.add({ ...entry, seq: ++seq, t: seq } as JournalLine);
  for (const [index, { op, input = {}, type = 'ok', status = 200, output = {} }] of done.entries()) {
    add({ type: 'invoke', id: `op-${index}`, process: 'alice', surface: 'rest', op, input });
    add({ type, id: `op-${index}`, status, output });
  }
  return operations;
}

const agent = 'ab'.repeat(32);

test('ids, times, numbers and what lists hold make no difference; neither does another order', () => {
  const one = run(
    { op: 'a', input: { id: agent }, output: { id: agent, at: 17, list: [1], ok: true, none: null } },
    { op: 'b', type: 'fail', status: 404 },
  );
  const other = run(
    { op: 'b', type: 'fail', status: 404 },
    { op: 'a', input: { id: 'cd'.repeat(32) }, output: { id: 'x', at: 18, list: [], ok: true, none: 'now' } },
  );
  expect(compare(one, other)).toEqual({ matched: 2, unmatched: 0 });
});

test.for([
  ['another status', { status: 201 }, 'status'],
  ['another outcome', { type: 'fail' }, 'outcome'],
  ['the opposite', { output: { ok: false, name: 'x' } }, 'output/ok'],
  ['a value of another type', { output: { ok: true, name: 7 } }, 'output/name'],
  ['a key less', { output: { ok: true } }, 'output/name'],
] as const)('%s is a divergence', ([, change, at]) => {
  const same = { op: 'before' };
  const [one, other] = [
    { op: 'a', output: { ok: true, name: 'x' } },
    { op: 'a', output: { ok: true, name: 'x' }, ...change },
  ];
  const { first } = compare(run(same, one, { op: 'later' }), run(same, other, { op: 'later', status: 500 }));
  expect(first).toMatchObject({ place: 2, process: 'alice', op: 'a', at });
  expect(first!.answers[0]).toMatchObject({ status: 200, output: { ok: true, name: 'x' } });
  expect(first!.answers[1]).toMatchObject('type' in change ? { outcome: 'fail' } : { outcome: 'ok' });
});

test('what was asked while nodes came up is not compared', () => {
  const operations = run({ op: 'a' });
  const add = (entry: JournalEntry): void => operations.add({ ...entry, seq: 1, t: 1 } as JournalLine);
  add({ type: 'phase', scenario: `${bootPrefix}shared`, phase: 'setup', event: 'begin' });
  add({ type: 'invoke', id: 'boot', process: 'alice', surface: 'rest', op: 'health', input: {} });
  add({ type: 'phase', scenario: `${bootPrefix}shared`, phase: 'setup', event: 'end' });
  add({ type: 'invoke', id: 'later', process: 'alice', surface: 'rest', op: 'b', input: {} });
  expect([...operations.operations.values()].map(({ op }) => op)).toEqual(['a', 'b']);
});

test('what only one was asked is counted', () => {
  expect(compare(run({ op: 'a' }, { op: 'a' }), run({ op: 'a' }))).toEqual({ matched: 1, unmatched: 1 });
});
