import { describe, expect, it } from 'vitest';
import { claims } from './claims.ts';
import { evaluate, judgeCheck } from './evaluate.ts';
import { TestJournal } from './journal.test-helper.ts';
import { literal } from './claim.ts';
import { judge } from './verdict.ts';

const yes = claims.equals(literal(1), literal(1));
const no = claims.equals(literal(1), literal(2));
const unknown = claims.equals({ op: 'nowhere', at: '' }, literal(1));

async function verdictOf(journal: TestJournal) {
  return judge(await evaluate(() => [journal.lines]));
}
const statusOf = async (journal: TestJournal, id: string) => (await verdictOf(journal)).rows.find((row) => row.id === id);

describe('evaluation', () => {
  it('reads only the lines of the range, and never the recorded status', async () => {
    const journal = new TestJournal().begin();
    const op = journal.operation('alice', 'status.health', null, { type: 'ok', status: 200 });
    journal.check('a/in/1', claims.status(op, 200), { status: 'fail' });
    journal.check('a/before/1', claims.status(op, 200), { range: [1, 1] });
    journal.check('a/half/1', claims.status(op, 200), { range: [1, 2] });
    journal.check('a/beyond/1', claims.status(op, 200), { range: [1, 99] });
    journal.check('a/reversed/1', claims.status(op, 200), { range: [3, 2] });
    const { results } = await evaluate(() => [journal.lines]);
    expect(results.map(({ id, status }) => [id, status])).toEqual([
      ['a/in/1', 'pass'],
      ['a/before/1', 'inconclusive'],
      ['a/half/1', 'fail'],
      ['a/beyond/1', 'inconclusive'],
      ['a/reversed/1', 'inconclusive'],
    ]);
  });

  it('judges live as it does from the file, in whatever order lines are held', () => {
    const journal = new TestJournal().begin();
    const op = journal.operation('alice', 'status.health', null, { type: 'ok', status: 200 });
    const check = journal.check('a/in/1', claims.status(op, 200), { range: [2, 3] });
    const shuffled = [...journal.lines.toReversed(), ...journal.lines];
    expect(judgeCheck(check, shuffled)).toEqual(judgeCheck(check, journal.lines));
    expect(judgeCheck(check, shuffled).status).toBe('pass');
  });

  it('leaves a claim unverified when its premise never occurred', async () => {
    const journal = new TestJournal().begin();
    journal.check('a/premise/1', yes, { premise: claims.occurs({ event: 'reconnected' }) });
    journal.observe('alice', 'events', 'reconnected', null);
    journal.check('a/premise/2', yes, { premise: claims.occurs({ event: 'reconnected' }) });
    expect(await statusOf(journal, 'a/premise/1')).toMatchObject({ status: 'unverified', blame: 'harness', exercised: false });
    expect(await statusOf(journal, 'a/premise/2')).toMatchObject({ status: 'pass' });
  });

  it('leaves a claim inconclusive when a fault did not bite or the lab is out of tolerance', async () => {
    const journal = new TestJournal().begin().fault('blunt', 'requested', 'applied', 'healed').fault('sharp', 'requested', 'applied', 'bit');
    journal.write({ type: 'calibration', name: 'clock', measured: 9, unit: 'ms', within: [null, 5] });
    journal.check('a/fault/1', no, { needsFaults: ['blunt'] });
    journal.check('a/fault/2', no, { needsFaults: ['sharp'] });
    journal.check('a/clock/1', no, { needsCalibrations: ['clock'] });
    expect(await statusOf(journal, 'a/fault/1')).toMatchObject({ status: 'inconclusive', blame: 'lab' });
    expect(await statusOf(journal, 'a/fault/2')).toMatchObject({ status: 'fail', blame: 'target' });
    expect(await statusOf(journal, 'a/clock/1')).toMatchObject({ status: 'inconclusive', blame: 'lab' });
  });
});

describe('verdict', () => {
  const run = (fill: (journal: TestJournal) => unknown, extra = {}) => {
    const journal = new TestJournal().begin(extra);
    fill(journal);
    return verdictOf(journal.finish());
  };
  const excuse = (check: string) => ({ expectedFailures: [{ check, reason: 'known' }] });

  it.each([
    ['all pass', 0, (j: TestJournal) => j.check('a/b/1', yes), {}],
    ['a SHOULD that fails only warns', 0, (j: TestJournal) => j.check('a/b/1', no, { level: 'SHOULD' }), {}],
    ['whoever is to blame', 0, (j: TestJournal) => [j.check('a/b/1', yes), j.check('a/c/1', no, { level: 'SHOULD', blame: 'lab' })], {}],
    ['a MUST that fails', 1, (j: TestJournal) => j.check('a/b/1', no), {}],
    ['an expected failure', 0, (j: TestJournal) => j.check('a/b/1', no), excuse('a/b/1')],
    ['a stale expected failure', 1, (j: TestJournal) => j.check('a/b/1', yes), excuse('a/b/1')],
    ['a flaky check', 1, (j: TestJournal) => [j.check('a/b/1', yes), j.check('a/b/1', no)], {}],
    ['a failure of the lab', 3, (j: TestJournal) => [j.check('a/b/1', yes), j.check('a/c/1', no, { blame: 'lab' })], {}],
    ['a failure of the specification', 2, (j: TestJournal) => [j.check('a/b/1', yes), j.check('a/c/1', no, { blame: 'spec' })], {}],
    ['the target before the lab', 1, (j: TestJournal) => [j.check('a/b/1', no), j.check('a/c/1', no, { blame: 'lab' })], {}],
    ['the lab before doubt', 3, (j: TestJournal) => [j.check('a/b/1', unknown), j.check('a/c/1', no, { blame: 'lab' })], {}],
    ['doubt', 2, (j: TestJournal) => [j.check('a/b/1', yes), j.check('a/c/1', unknown)], {}],
    ['nothing exercised', 3, () => undefined, {}],
    ['nothing but what was filtered out', 3, (j: TestJournal) => j.check('a/b/1', claims.notRun({ filter: '-x' })), { filters: ['-x'] }],
    ['a target that declares nothing', 1, (j: TestJournal) => [j.world([{ name: 'a' }]), j.check('a/b/1', claims.skipped('x'))], {}],
    ['a skip beside a pass', 0, (j: TestJournal) => [j.world([{ name: 'a' }]), j.check('a/b/1', claims.skipped('x')), j.check('a/c/1', yes)], {}],
  ] as const)('%s: exit code %i', async (_, exitCode, fill, extra) => {
    expect((await run(fill, extra)).exitCode).toBe(exitCode);
  });

  it('names the statuses and the blame of every row that is not a pass', async () => {
    const flaky = await run((j) => [j.check('a/b/1', yes), j.check('a/b/1', no), j.check('a/c/1', yes), j.check('a/c/1', yes)]);
    expect(flaky.rows.map(({ id, status, attempts }) => [id, status, attempts])).toEqual([['a/b/1', 'flaky', 2], ['a/c/1', 'pass', 2]]); // prettier-ignore
    expect(flaky).toMatchObject({ outcome: 'failed', blame: 'target', counts: { flaky: 1, pass: 1 }, blamed: { target: 1 } });
    expect(flaky.rows.every(({ status, blame }) => (status === 'pass') === (blame === undefined))).toBe(true);
  });

  it('marks what was filtered out, blames nobody for it, and sums up without it', async () => {
    const fill = (j: TestJournal) => [
      j.world([{ name: 'a' }]),
      j.check('a/b/1', yes),
      j.check('a/c/1', claims.notRun({ filter: '-x' })),
      j.check('a/d/1', claims.notRun({ nodes: 9 })),
    ];
    const { rows, blamed, summary } = await run(fill, { filters: ['-x'] });
    expect(rows.map(({ id, blame, filteredOut }) => [id, blame, filteredOut])).toEqual([
      ['a/b/1', undefined, undefined], ['a/c/1', undefined, true], ['a/d/1', 'lab', undefined],
    ]); // prettier-ignore
    expect(blamed).toMatchObject({ harness: 0, lab: 1 });
    expect(summary).toBe('2 checks, 1 of them exercised: 1 pass, 1 notrun; 1 filtered out');
  });

  it('sums up what passed in a few words, however many passes are bookkeeping', async () => {
    const phase = (j: TestJournal, event: 'begin' | 'end') => j.write({ type: 'phase', scenario: 'a/b', phase: 'drive', event });
    const { summary } = await run((j) => [j.check('a/b/1', yes), phase(j, 'begin'), phase(j, 'end'), j.check('a/b/done', claims.completed('a/b'))]);
    expect(summary).toBe('2 checks, 1 of them exercised');
  });

  it('does not excuse what the lab or the harness did', async () => {
    const verdict = await run((j) => j.check('a/b/1', no, { blame: 'lab' }), excuse('a/b/1'));
    expect(verdict).toMatchObject({ exitCode: 3, outcome: 'faulty', blame: 'lab' });
  });

  it('counts a journal without an end as a crash of the harness, an interrupted one as inconclusive', async () => {
    const journal = new TestJournal().begin();
    journal.check('a/b/1', yes);
    expect(await verdictOf(journal)).toMatchObject({ exitCode: 3, blame: 'harness' });
    journal.write({ type: 'run', stage: 'finished', outcome: 'interrupted' });
    expect(await verdictOf(journal)).toMatchObject({ exitCode: 2, blame: 'harness' });
  });
});
