import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claims } from '../claims.ts';
import { judgeCheck } from '../evaluate.ts';
import { TestJournal } from '../journal.test-helper.ts';

const seeded = { seed: 20261121, numRuns: 300 };
const nodes = ['alice', 'bob', 'carol'] as const;
/** carol did not ask for it */
const owed: readonly string[] = nodes.slice(0, 2);
const node = fc.constantFrom(...nodes);

const send = fc.record({ id: fc.integer({ min: 0, max: 5 }), by: node, type: fc.constantFrom('ok', 'ok', 'ok', 'fail', 'info', 'open') });
const receipt = fc.record({ id: fc.integer({ min: 0, max: 6 }), node, from: node });
const history = fc.record({
  sends: fc.uniqueArray(send, { selector: ({ id }) => id, maxLength: 5 }),
  /** mostly what should arrive, with a few changes */
  faithful: fc.boolean(),
  extra: fc.array(receipt, { maxLength: 3 }),
  dropped: fc.integer({ min: 0, max: 20 }),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

function receiptsOf({ sends, faithful, extra, dropped }: History) {
  const due = faithful ? sends.filter(({ type }) => type === 'ok').flatMap(({ id, by }) => owed.map((name) => ({ id, node: name, from: by }))) : [];
  return [...due.filter((_, index) => index !== dropped), ...extra];
}

function recorded(given: History) {
  const journal = new TestJournal().begin().world(nodes.map((name) => ({ name, agentId: `id-${name}` })));
  for (const { id, by, type } of given.sends) {
    journal.operation(by, 'messaging.publish', { topic: 't', id }, type === 'open' ? undefined : { type: type as 'ok' });
  }
  journal.operation('alice', 'messaging.publish', { topic: 'another', id: 0 }, { type: 'ok' });
  for (const { id, node: at, from } of receiptsOf(given)) journal.observe(at, 'events', 'message', { topic: 't', id, sender: `id-${from}` });
  journal.observe('alice', 'events', 'message', { topic: 'another', id: 0, sender: 'id-bob' });
  return journal;
}

const sends = { op: 'messaging.publish', where: [{ at: '/input/topic', equals: 't' }] };
const receipts = { stream: 'events', where: [{ at: '/topic', equals: 't' }] };
const common = { sends, key: '/input/id', receivers: { nodes: [...nodes] } };

describe('delivered-exactly-once', () => {
  it('agrees with counting every copy by hand', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(history, (given) => {
        const journal = recorded(given);
        const claim = claims.deliveredExactlyOnce({
          ...common,
          receivers: { nodes: [...owed] },
          receipts,
          receiptKey: '/id',
          receiptSender: '/sender',
        });
        const { status } = judgeCheck(journal.check('a/b/1', claim), journal.lines);
        seen.add(status);
        expect(status).toBe(byHand(given));
      }),
      seeded,
    );
    expect([...seen].toSorted()).toEqual(['fail', 'pass', 'unverified']);
  });

  function byHand(given: History) {
    const arrived = receiptsOf(given);
    if (given.sends.length === 0 && arrived.length === 0) return 'unverified';
    const sound = nodes.every((name) =>
      [0, 1, 2, 3, 4, 5, 6].every((id) => {
        const copies = arrived.filter((one) => one.node === name && one.id === id);
        const sent = given.sends.find((one) => one.id === id);
        if (!owed.includes(name)) return copies.length === 0;
        if (copies.some(({ from }) => from !== sent?.by)) return false;
        if (!sent || sent.type === 'fail') return copies.length === 0;
        return sent.type === 'ok' ? copies.length === 1 : copies.length <= 1;
      }),
    );
    return sound ? 'pass' : 'fail';
  }

  it('names what went wrong', () => {
    const journal = new TestJournal().begin().world([{ name: 'bob', agentId: 'id-bob' }]);
    for (const n of [1, 2, 3]) journal.operation('alice', 'direct.send', { to: 'id-bob', n }, { type: 'ok' });
    for (const n of [1, 1, 3, 9]) journal.observe('bob', 'direct', 'message', { n, from: n === 3 ? 'mallory' : 'alice' });
    const claim = claims.deliveredExactlyOnce({
      sends: { op: 'direct.send' },
      key: '/input/n',
      receivers: { at: '/input/to' },
      receipts: { stream: 'direct' },
      receiptKey: '/n',
      receiptSender: '/from',
    });
    const { message, evidence } = judgeCheck(journal.check('a/b/1', claim), journal.lines);
    expect(message).toBe(
      '3 messages, 4 receipts: 1 delivered again (at bob), 1 missing (at bob), 1 from a forged sender (at bob), 1 never sent to that node (at bob)',
    );
    expect(evidence).toEqual([5, 10, 11, 12]);
  });

  it('leaves sends that look alike to the harness, unless they are retries', () => {
    const journal = new TestJournal().begin();
    for (const type of ['info', 'ok'] as const) journal.operation('alice', 'direct.send', { n: 1 }, { type });
    journal.observe('bob', 'direct', 'message', { n: 1 });
    const params = { sends: { op: 'direct.send' }, key: '/input/n', receivers: { nodes: ['bob'] }, receipts: { stream: 'direct' }, receiptKey: '/n' };
    expect(judgeCheck(journal.check('a/b/1', claims.deliveredExactlyOnce(params)), journal.lines)).toMatchObject({
      status: 'inconclusive',
      blame: 'harness',
    });
    expect(judgeCheck(journal.check('a/b/2', claims.deliveredExactlyOnce({ ...params, retries: true })), journal.lines).status).toBe('pass');
  });
});

describe('balanced', () => {
  const entry = fc.record({ id: fc.integer({ min: 0, max: 5 }), node, what: fc.constantFrom('delivered', 'refused', 'expired', 'inFlight') });
  const books = fc.record({
    sends: fc.uniqueArray(send, { selector: ({ id }) => id, maxLength: 4 }),
    whole: fc.boolean(),
    entries: fc.array(entry, { maxLength: 3 }),
  });
  type Books = typeof books extends fc.Arbitrary<infer T> ? T : never;
  const entriesOf = ({ sends: sent, whole, entries }: Books) => [
    ...(whole ? sent.filter(({ type }) => type === 'ok').flatMap(({ id }) => nodes.map((name) => ({ id, node: name, what: 'delivered' }))) : []),
    ...entries,
  ];
  const of = (event: string) => ({ observe: { stream: 'ledger', event }, key: '/id' });
  const claim = claims.balanced({
    ...common,
    delivered: of('delivered'),
    refused: of('refused'),
    expired: of('expired'),
    inFlight: of('inFlight'),
  });

  it('agrees with the equation summed by hand, copy by copy', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(books, (given) => {
        const journal = new TestJournal().begin();
        for (const { id, by, type } of given.sends) {
          journal.operation(by, 'messaging.publish', { topic: 't', id }, type === 'open' ? undefined : { type: type as 'ok' });
        }
        for (const { id, node: name, what } of entriesOf(given)) journal.observe(name, 'ledger', what, { id });
        const { status, ledger } = judgeCheck(journal.check('a/b/1', claim), journal.lines);
        seen.add(status);
        const empty = given.sends.length === 0 && entriesOf(given).length === 0;
        expect(status).toBe(empty ? 'unverified' : sums(given) ? 'pass' : 'fail');
        for (const row of status === 'pass' ? (ledger ?? []) : []) {
          expect(row.published).toBe(row.delivered + row.refused + row.expired + row.inFlight + row.unknown);
        }
      }),
      seeded,
    );
    expect([...seen].toSorted()).toEqual(['fail', 'pass', 'unverified']);
  });

  function sums(given: Books) {
    return nodes.every((name) =>
      [0, 1, 2, 3, 4, 5].every((id) => {
        const total = entriesOf(given).filter((one) => one.node === name && one.id === id).length;
        const type = given.sends.find((one) => one.id === id)?.type ?? 'fail';
        if (type === 'ok') return total === 1;
        return type === 'fail' ? total === 0 : total <= 1;
      }),
    );
  }
});

describe('counters-agree', () => {
  it('compares growth with what was recorded, and gives unanswered operations the benefit of the doubt', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('ok', 'fail', 'info', 'open'), { maxLength: 8 }), fc.integer({ min: 0, max: 9 }), (types, counted) => {
        const journal = new TestJournal().begin();
        journal.observe('alice', 'counters', 'snapshot', { published: 100 });
        for (const type of types) journal.operation('alice', 'messaging.publish', null, type === 'open' ? undefined : { type: type as 'ok' });
        journal.observe('alice', 'counters', 'snapshot', { published: 100 + counted });
        const growth = { counter: { nodes: ['alice'], stream: 'counters' }, at: '/published', take: 'growth' as const };
        const claim = claims.countersAgree([growth], [{ operations: { op: 'messaging.publish' } }]);
        const least = types.filter((type) => type === 'ok').length;
        const most = types.filter((type) => type !== 'fail').length;
        const { status } = judgeCheck(journal.check('a/b/1', claim), journal.lines);
        expect(status).toBe(counted >= least && counted <= most ? 'pass' : 'fail');
      }),
      seeded,
    );
  });

  it('multiplies, adds, and fails on counters that are not there', () => {
    const journal = new TestJournal().begin();
    journal.observe('bob', 'counters', 'snapshot', { delivered: 4, dropped: 2 });
    for (let n = 0; n < 3; n++) journal.observe('bob', 'events', 'message', n);
    const counter = (at: string) => ({ counter: { stream: 'counters' }, at, take: 'last' as const });
    const status = (left: Parameters<typeof claims.countersAgree>[0], right: typeof left) =>
      judgeCheck(journal.check('a/b/1', claims.countersAgree(left, right)), journal.lines).status;
    expect(status([counter('/delivered'), counter('/dropped')], [{ observations: { stream: 'events' }, times: 2 }])).toBe('pass');
    expect(status([counter('/delivered')], [{ number: 5 }])).toBe('fail');
    expect(status([counter('/none')], [{ number: 0 }])).toBe('fail');
    expect(status([{ counter: { stream: 'nowhere' }, at: '', take: 'last' }], [{ number: 0 }])).toBe('fail');
  });
});
