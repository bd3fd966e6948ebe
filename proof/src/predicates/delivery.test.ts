import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { claims } from '../claims.ts';
import { judgeCheck } from '../evaluate.ts';
import { TestJournal } from '../journal.test-helper.ts';

const seeded = { seed: 20261121, numRuns: 600 };
const receivers = ['bob', 'carol'] as const;
/** nothing is sent to it */
const STRANGER = 'erin';
const senders = ['alice', 'dave'] as const;

/** What happens, in the order of the journal: sends begin and end, messages arrive. */
const event = fc.oneof(
  fc.record({ what: fc.constant('send' as const), by: fc.constantFrom(...senders) }),
  fc.record({ what: fc.constant('done' as const), n: fc.nat(2), how: fc.constantFrom('ok', 'ok', 'ok', 'info', 'fail') }),
  fc.record({
    what: fc.constant('receipt' as const),
    n: fc.nat(3),
    at: fc.constantFrom(...receivers, ...receivers, ...receivers, STRANGER),
    from: fc.constantFrom(...senders, undefined, undefined, undefined),
  }),
);
const history = fc.array(event, { maxLength: 24, size: 'max' });
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

interface Sent {
  readonly by: string;
  readonly invoked: number;
  how: string;
  done: number;
}

function recorded(events: readonly Event[]) {
  const journal = new TestJournal().begin();
  const sent: Sent[] = [];
  const arrived: { n: number; at: string; from: string | undefined; seq: number }[] = [];
  for (const one of events) {
    if (one.what === 'send') {
      const line = journal.write({
        type: 'invoke',
        id: `op-${sent.length}`,
        process: one.by,
        surface: 'rest',
        op: 'direct.send',
        input: { n: sent.length },
      });
      sent.push({ by: one.by, invoked: line.seq, how: 'open', done: Infinity });
    } else if (one.what === 'done') {
      const send = sent[one.n];
      if (send?.how !== 'open') continue;
      send.how = one.how;
      send.done = journal.write({ type: one.how as 'ok', id: `op-${one.n}` }).seq;
    } else {
      const from = one.from ?? sent[one.n]?.by;
      arrived.push({ n: one.n, at: one.at, from, seq: journal.observe(one.at, 'direct', 'message', { n: one.n, from: from ?? 'nobody' }) });
    }
  }
  return { journal, sent, arrived };
}

const params = {
  sends: { op: 'direct.send' },
  key: '/input/n',
  receivers: { nodes: [...receivers] },
  receipts: { stream: 'direct' },
  receiptKey: '/n',
  receiptSender: '/from',
};

function compare(claim: ReturnType<typeof claims.deliveredInOrder>, byHand: (given: ReturnType<typeof recorded>) => string) {
  const seen = new Set<string>();
  fc.assert(
    fc.property(history, (events) => {
      const given = recorded(events);
      const { status } = judgeCheck(given.journal.check('a/b/1', claim), given.journal.lines);
      seen.add(status);
      expect(status).toBe(byHand(given));
    }),
    seeded,
  );
  expect([...seen].toSorted()).toEqual(['fail', 'pass', 'unverified']);
}

it('delivered-at-most-once agrees with looking at every pair of receipts', () => {
  compare(claims.deliveredAtMostOnce(params), ({ sent, arrived }) => {
    if (arrived.length === 0) return 'unverified';
    const twice = arrived.some((a) => arrived.some((b) => a !== b && a.n === b.n && a.at === b.at));
    const wrong = arrived.some(({ n, from }) => !sent[n] || sent[n].how === 'fail' || sent[n].by !== from);
    const leaked = arrived.some(({ at }) => at === STRANGER);
    return twice || wrong || leaked ? 'fail' : 'pass';
  });
});

it('delivered-in-order agrees with comparing every message with every other', () => {
  compare(claims.deliveredInOrder(params), ({ sent, arrived }) => {
    const first = (n: number, at: string) => arrived.find((one) => one.n === n && one.at === at)?.seq;
    if (!arrived.some(({ n }) => sent[n])) return 'unverified';
    const swapped = [...receivers, STRANGER].some((at) =>
      sent.some((a, i) =>
        sent.some((b, j) => {
          const [seenA, seenB] = [first(i, at), first(j, at)];
          return a.by === b.by && a.how === 'ok' && a.done < b.invoked && seenA !== undefined && seenB !== undefined && seenB < seenA;
        }),
      ),
    );
    return swapped ? 'fail' : 'pass';
  });
});

it('says which message was overtaken', () => {
  const { journal } = recorded([
    { what: 'send', by: 'alice' },
    { what: 'done', n: 0, how: 'ok' },
    { what: 'send', by: 'alice' },
    { what: 'receipt', n: 1, at: 'bob', from: undefined },
    { what: 'receipt', n: 0, at: 'bob', from: undefined },
  ]);
  expect(judgeCheck(journal.check('a/b/1', claims.deliveredInOrder(params)), journal.lines)).toMatchObject({
    status: 'fail',
    message: '2 messages, 2 receipts: 1 behind a later one of the same sender',
    evidence: [5, 6],
  });
});
