import { describe, expect, it } from 'vitest';
import { at, type Claim, literal, observed } from '../claim.ts';
import { claims } from '../claims.ts';
import { judgeCheck } from '../evaluate.ts';
import { TestJournal } from '../journal.test-helper.ts';
import { boundedPattern } from './pattern.ts';
import { predicateNames } from './registry.ts';

function judged(journal: TestJournal, claim: Claim) {
  const { status, blame, message } = judgeCheck(journal.check('suite/clause/1', claim), journal.lines);
  return blame ? `${status} ${blame}: ${message}` : `${status}: ${message}`;
}

function withCard() {
  const journal = new TestJournal().begin();
  const output = { ok: true, name: 'alice', ids: ['a', 'b'], peers: [{ id: 'p' }], size: 3, text: 'aGk=' };
  const card = journal.operation('alice', 'identity.card', { q: 1 }, { type: 'ok', status: 200, output });
  const lost = journal.operation('alice', 'identity.card', null, { type: 'info', error: 'time-out' });
  const refused = journal.operation('alice', 'direct.send', null, { type: 'fail', status: 403 });
  return { journal, card, lost, refused };
}

describe('predicates over values', () => {
  const { card, lost, refused } = withCard();
  const cases: [string, Claim, string][] = [
    ['equals', claims.equals(at(card, '/output/name'), 'alice'), 'pass'],
    ['equals', claims.equals(at(card, '/output/name'), 'bob'), 'fail target'],
    ['equals ignores key order', claims.equals(literal({ a: 1, b: 2 }), literal({ b: 2, a: 1 })), 'pass'],
    ['equals on an absent value', claims.equals(at(card, '/output/none'), 'x'), 'fail target: identity.card /output/none is absent'],
    ['equals without an answer', claims.equals(at(lost, '/output/name'), 'x'), 'fail target: identity.card had no answer'],
    ['equals on an unknown operation', claims.equals(at('op-99', '/status'), 200), 'inconclusive harness'],
    ['differs', claims.differs(at(card, '/output/name'), 'bob'), 'pass'],
    ['differs', claims.differs(at(card, '/output/name'), 'alice'), 'fail target'],
    ['matches', claims.matches(at(card, '/output/name'), /^al[a-z]+$/), 'pass'],
    ['matches', claims.matches(at(card, '/output/name'), /^bob$/), 'fail target'],
    ['matches on a number', claims.matches(at(card, '/output/size'), /3/), 'fail target'],
    ['matches with a runaway pattern', claims.matches(at(card, '/output/name'), '(a+)+$'), 'inconclusive harness'],
    ['status', claims.status(card, 200), 'pass'],
    ['status of several', claims.status(card, 201, 200), 'pass'],
    ['status', claims.status(refused, 200), 'fail target: direct.send: status 403, expected 200'],
    ['status without an answer', claims.status(lost, 200), 'fail target: identity.card: no answer, expected 200'],
    ['outcome', claims.outcome(refused, 'fail'), 'pass'],
    ['outcome', claims.outcome(lost, 'ok'), 'fail target'],
    ['one-of', claims.oneOf(at(card, '/output/size'), [1, 3]), 'pass'],
    ['one-of', claims.oneOf(at(card, '/output/size'), [1, 2]), 'fail target'],
    ['includes in a list', claims.includes(at(card, '/output/ids'), 'b'), 'pass'],
    ['includes by a field', claims.includes(at(card, '/output/peers'), 'p', '/id'), 'pass'],
    ['includes in a text', claims.includes(at(card, '/output/name'), 'lic'), 'pass'],
    ['includes', claims.includes(at(card, '/output/ids'), 'z'), 'fail target'],
    ['includes in a number', claims.includes(at(card, '/output/size'), 3), 'fail target'],
    ['excludes', claims.excludes(at(card, '/output/ids'), 'z'), 'pass'],
    ['excludes', claims.excludes(at(card, '/output/ids'), 'a'), 'fail target'],
    ['excludes in a number does not pass', claims.excludes(at(card, '/output/size'), 4), 'fail target'],
    ['exists', claims.exists(at(card, '/output/ok')), 'pass'],
    ['exists', claims.exists(at(card, '/output/none')), 'fail target'],
    ['absent', claims.absent(at(card, '/output/none')), 'pass'],
    ['absent', claims.absent(at(card, '/output/ok')), 'fail target'],
    ['absent without an answer', claims.absent(at(lost, '/output/none')), 'fail target'],
    ['at-most', claims.atMost(at(card, '/output/size'), 3), 'pass'],
    ['at-most', claims.atMost(at(card, '/output/size'), 2, 'ms'), 'fail target: 3 ms, not at most 2'],
    ['at-least', claims.atLeast(at(card, '/output/size'), 4), 'fail target'],
    ['bytes-equal', claims.bytesEqual(at(card, '/output/text'), 'base64', 'hi', 'utf8'), 'pass'],
    ['bytes-equal', claims.bytesEqual(at(card, '/output/text'), 'base64', 'ho', 'utf8'), 'fail target'],
    ['bytes-equal on what is no base64', claims.bytesEqual(at(card, '/output/name'), 'base64', 'hi', 'utf8'), 'fail target'],
    ['a predicate nobody wrote', { predicate: 'looks-good', params: {} }, 'inconclusive harness'],
    ['malformed parameters', { predicate: 'status', params: { op: 7 } }, 'inconclusive harness'],
  ];
  it.each(cases)('%s', (_, claim, expected) => {
    expect(judged(withCard().journal, claim)).toMatch(new RegExp(`^${expected.replaceAll('/', '\\/')}`));
  });

  it('registers every builder under a known name', () => {
    const built = new Set(cases.slice(0, -2).map(([, { predicate }]) => predicate));
    for (const name of built) expect(predicateNames).toContain(name);
  });
});

describe('patterns', () => {
  it.each(['(a+)+', '(a|a)*', '(a?){9}', '(?=a)a', '(a)\\1', 'a*b*c*', '(', 'x'.repeat(300), 'a?'.repeat(9)])('refuses %s', (pattern) => {
    expect(boundedPattern(pattern)).toBeTypeOf('string');
  });
  it.each(['^[0-9a-f]{64}$', '^x0x://agent/[\\w-]+$', '^(ok|done)$', '\\d{4}-\\d{2}', '[(+*]{1,3}x'])('allows %s', (pattern) => {
    expect(boundedPattern(pattern)).toBeInstanceOf(RegExp);
  });
});

describe('predicates over time and observations', () => {
  it('measures from the first moment to the first that follows it', () => {
    const journal = new TestJournal().begin();
    journal.observe('bob', 'events', 'message', { n: 1 });
    const op = journal.after(100).operation('alice', 'messaging.publish', null, { type: 'ok' });
    journal.after(40).observe('bob', 'events', 'message', { n: 2 });
    const span = (limit: number) => claims.elapsedAtMost({ op, edge: 'invoke' }, { observe: { nodes: ['bob'], event: 'message' } }, limit);
    expect(judged(journal, span(40))).toBe('pass: 40 ms, at most 40 ms');
    expect(judged(journal, span(39))).toMatch(/^fail target/);
    expect(judged(journal, claims.elapsedAtMost({ op, edge: 'done' }, { fault: 'f', stage: 'bit' }, 1))).toMatch(/^fail target.*never came/);
    expect(judged(journal, claims.elapsedAtMost({ op: 'none', edge: 'done' }, { seq: 2 }, 1))).toMatch(/^inconclusive harness/);
  });

  it('counts, forbids and compares what nodes said', () => {
    const journal = new TestJournal().begin();
    journal.observe('alice', 'state', 'head', { root: 'x', n: 0 });
    journal.observe('alice', 'state', 'head', { root: 'y', n: 1 });
    journal.observe('bob', 'state', 'head', { root: 'y', n: 2 });
    const heads = { stream: 'state' };
    expect(judged(journal, claims.occurs(heads, { atLeast: 3, atMost: 3 }))).toMatch(/^pass/);
    expect(judged(journal, claims.occurs(heads, { atMost: 2 }))).toMatch(/^fail target/);
    expect(judged(journal, claims.occurs({ where: [{ at: '/n', in: [7, 8] }] }))).toMatch(/^fail target/);
    expect(judged(journal, claims.never({ where: [{ at: '/root', equals: 'x' }] }))).toMatch(/^fail target/);
    expect(judged(journal, claims.never({ nodes: ['carol'] }))).toMatch(/^pass/);
    expect(judged(journal, claims.nodesConverged(['alice', 'bob'], heads, '/root'))).toMatch(/^pass/);
    expect(judged(journal, claims.nodesConverged(['alice', 'bob'], heads, '/n'))).toMatch(/^fail target/);
    expect(judged(journal, claims.nodesConverged(['alice', 'carol'], heads, '/root'))).toMatch(/^fail target: carol/);
    const [first, last] = [observed(heads, '/root'), observed(heads, '/root', 'last')];
    expect(judged(journal, claims.converged(first, last))).toMatch(/^fail target/);
    expect(judged(journal, claims.equals(last, 'y'))).toMatch(/^pass/);
  });
});

describe('state-survives', () => {
  function around(after: string, ...stages: ('requested' | 'applied' | 'bit' | 'healed')[]) {
    const journal = new TestJournal().begin();
    const before = journal.operation('alice', 'contacts.list', null, { type: 'ok', output: { names: ['bob'] } });
    journal.fault('f', ...stages);
    const again = journal.operation('alice', 'contacts.list', null, { type: 'ok', output: { names: [after] } });
    const values = { before: at(before, '/output/names'), after: at(again, '/output/names') };
    return { journal, values };
  }
  const all = ['requested', 'applied', 'bit', 'healed'] as const;

  it('passes, fails and abstains', () => {
    const kept = around('bob', ...all);
    expect(judged(kept.journal, claims.stateSurvives('f', kept.values))).toMatch(/^pass/);
    const swapped = { before: kept.values.after, after: kept.values.before };
    expect(judged(kept.journal, claims.stateSurvives('f', swapped))).toMatch(/^inconclusive harness/);
    const lost = around('nobody', ...all);
    expect(judged(lost.journal, claims.stateSurvives('f', lost.values))).toMatch(/^fail target/);
    const blunt = around('nobody', 'requested', 'applied', 'healed');
    expect(judged(blunt.journal, claims.stateSurvives('f', blunt.values))).toMatch(/^inconclusive lab/);
    const open = around('bob', 'requested', 'applied', 'bit');
    expect(judged(open.journal, claims.stateSurvives('f', open.values))).toMatch(/^inconclusive lab/);
  });
});

describe('bookkeeping', () => {
  it('says what became of a scenario', () => {
    const journal = new TestJournal().begin({ filters: ['--suite smoke'] }).world([{ name: 'alice' }], ['direct.send'], ['kill']);
    const phase = (scenario: string, event: 'begin' | 'end' | 'crash' | 'timeout', node?: string) =>
      journal.write({ type: 'phase', scenario, phase: 'drive', event, ...(node && { node }) });
    for (const scenario of ['whole', 'thrown', 'died', 'slow', 'open']) phase(scenario, 'begin');
    phase('whole', 'end');
    phase('thrown', 'crash');
    phase('died', 'crash', 'alice');
    phase('slow', 'timeout');
    const table: [Claim, RegExp][] = [
      [claims.completed('whole'), /^pass/],
      [claims.completed('thrown'), /^crash harness/],
      [claims.completed('died'), /^crash target.*alice was down/],
      [claims.completed('slow'), /^timeout harness/],
      [claims.completed('open'), /^crash harness.*never ended/],
      [claims.completed('unheard'), /^inconclusive harness/],
      [claims.skipped('groups.create'), /^skipped target/],
      [claims.skipped('direct.send'), /^fail harness/],
      [claims.notRun({ filter: '--suite smoke' }), /^notrun: filtered out by/],
      [claims.notRun({ filter: '--grep x' }), /^fail harness/],
      [claims.notRun({ nodes: 2 }), /^notrun lab/],
      [claims.notRun({ nodes: 1 }), /^fail harness/],
      [claims.notRun({ power: 'clock' }), /^notrun lab/],
      [claims.notRun({ power: 'kill' }), /^fail harness/],
      [claims.notRun({ surface: 'cli' }), /^notrun lab/],
    ];
    for (const [claim, expected] of table) expect(judged(journal, claim)).toMatch(expected);
  });
});
