import { cp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edit, resign, runner, stranger, Workshop } from './bundle.test-helper.ts';
import { claims } from './claims.ts';
import { literal } from './claim.ts';
import { TestJournal } from './journal.test-helper.ts';
import { isRollUp, verifyRollUp, writeRollUp } from './roll-up-folder.ts';

const yes = claims.equals(literal(1), literal(1));
const no = claims.equals(literal(1), literal(2));

let workshop: Workshop;
beforeAll(async () => {
  workshop = await Workshop.open();
});
afterAll(() => workshop[Symbol.asyncDispose]());

let runs = 0;
/** A bundle of one run: checks that hold or do not, and scenarios that a filter left out. */
function bundleOf(checks: Readonly<Record<string, boolean>>, filter?: string, leftOut: readonly string[] = [], target = 'musterd'): Promise<string> {
  const journal = new TestJournal().begin({ runId: `run-${(runs += 1)}`, filters: filter === undefined ? [] : [filter], inputs: { target } });
  // Without a check nothing was booted.
  if (Object.keys(checks).length > 0) journal.world([{ name: 'alice', version: '1.0' }]);
  for (const [id, holds] of Object.entries(checks)) journal.check(id, holds ? yes : no);
  for (const id of leftOut) journal.check(id, claims.notRun({ filter: filter! }));
  return workshop.bundle(journal.finish(), []);
}

async function rolledUp(...bundles: string[]) {
  const directory = join(workshop.folder, `roll-up-${(runs += 1)}`);
  const { verdict } = await writeRollUp({ directory, bundles, runner });
  const rows = new Map(verdict.rows.map((row) => [row.id, row]));
  return { directory, verdict, status: (id: string) => rows.get(id)?.status, row: (id: string) => rows.get(id) };
}

describe('the verdict of several bundles', () => {
  it('takes each check from where it ran, and asks for every shard', async () => {
    const one = await bundleOf({ 'a/x/1': true }, '--shard 1/2', ['a/y/completed']);
    const two = await bundleOf({ 'a/y/completed': true }, '--shard 2/2', ['a/x/1']);
    const whole = await rolledUp(one, two);
    expect(whole.verdict).toMatchObject({ outcome: 'passed', exitCode: 0, exercised: 2, counts: { notrun: 0, pass: 2 } });
    const half = await rolledUp(one);
    expect(half.verdict).toMatchObject({ outcome: 'inconclusive', exitCode: 2 });
    expect(half.row('run/shards/1')).toMatchObject({ status: 'inconclusive', message: 'of 2 shards, 2/2 missing' });
  });

  it('fails when one of them fails, says which, and calls what passed elsewhere flaky', async () => {
    const { verdict, row, status } = await rolledUp(
      await bundleOf({ 'a/x/1': true, 'a/y/1': true }),
      await bundleOf({ 'a/x/1': false, 'a/z/1': false }),
    );
    expect(verdict).toMatchObject({ outcome: 'failed', exitCode: 1, blame: 'target' });
    expect([status('a/x/1'), status('a/y/1'), status('a/z/1')]).toEqual(['flaky', 'pass', 'fail']);
    expect(row('a/z/1')?.message).toMatch(/ \(in 002-bundle-\d+\)$/);
    expect(row('a/x/1')?.attempts).toBe(2);
  });

  it('does not make one verdict of two targets, nor one of nothing', async () => {
    const mixed = await rolledUp(await bundleOf({ 'a/x/1': true }), await bundleOf({ 'a/y/1': true }, undefined, [], 'x0xd'));
    expect(mixed.row('run/target/1')).toMatchObject({ status: 'inconclusive', message: 'bundles of different targets: musterd 1.0, x0xd 1.0' });
    const idle = await rolledUp(await bundleOf({ 'a/x/1': true }), await bundleOf({}, '--suite b', ['b/y/1']));
    expect([idle.row('run/target/1'), idle.verdict.exitCode]).toEqual([undefined, 0]);
    const other = await rolledUp(await bundleOf({ 'a/x/1': true }), await bundleOf({}, '--suite b', ['b/y/1'], 'x0xd'));
    expect(other.row('run/target/1')).toMatchObject({ status: 'inconclusive' });
    const empty = await rolledUp(await bundleOf({}, '--shard 1/1', ['a/x/1']));
    expect(empty.verdict).toMatchObject({ outcome: 'faulty', exitCode: 3 });
  });
});

describe('a roll-up', () => {
  const made = async () => rolledUp(await bundleOf({ 'a/x/1': true }), await bundleOf({ 'a/y/1': false }));

  it('is accepted as it was written, with the key that signed it', async () => {
    const { directory } = await made();
    expect(await isRollUp(directory)).toBe(true);
    expect(await verifyRollUp(directory, { trustedKey: runner.publicKey })).toMatchObject({
      accepted: true,
      trusted: true,
      findings: [],
      exitCode: 1,
    });
    const wrong = await verifyRollUp(directory, { trustedKey: stranger.publicKey });
    expect(wrong).toMatchObject({ accepted: false, exitCode: 3 });
    expect(wrong.findings.map(({ code, file }) => `${code} ${file}`)).toContain('wrong-key roll-up.dsse.json');
  });

  it.each<[string, (directory: string, bundles: string[]) => Promise<unknown>, string]>([
    ['a bundle that was taken away', (directory, [first]) => rm(join(directory, 'bundles', first!), { recursive: true }), 'document-does-not-follow proof-report.json'], // prettier-ignore
    ['a bundle that was put in', async (directory) => cp(await bundleOf({ 'a/q/1': true }), join(directory, 'bundles', 'more'), { recursive: true }), 'document-does-not-follow proof-report.json'], // prettier-ignore
    ['a verdict that was changed', (directory) => edit(directory, 'proof-report.json', (text) => text.replace('"outcome": "failed"', '"outcome": "passed"')), 'document-does-not-follow proof-report.json'], // prettier-ignore
    ['a bundle that another hand signed again', (directory, [first]) => resign(join(directory, 'bundles', first!), stranger), 'bad-signature roll-up.dsse.json'], // prettier-ignore
    ['a file beside it', (directory) => writeFile(join(directory, 'notes'), ''), 'added-file notes'],
    ['a link among the bundles', (directory, [first]) => symlink(first!, join(directory, 'bundles', 'link')), 'irregular-file bundles/link'],
    ['a line of evidence that was changed', (directory, [first]) => edit(directory, `bundles/${first}/data/journal.jsonl`, (text) => text.replace('42', '43')), 'changed-file bundles/'], // prettier-ignore
  ])('is refused with %s', async (_, tamper, expected) => {
    const { directory } = await made();
    await tamper(directory, (await readdir(join(directory, 'bundles'))).toSorted());
    const { accepted, exitCode, findings } = await verifyRollUp(directory);
    expect({ accepted, exitCode }).toEqual({ accepted: false, exitCode: 3 });
    expect(findings.map(({ code, file }) => `${code} ${file}`).join('\n')).toContain(expected);
  });

  it('is not made of what is refused, nor of one run twice, and leaves nothing behind', async () => {
    const good = await bundleOf({ 'a/x/1': true });
    const bad = await workshop.copyOf(good);
    await writeFile(join(bad, 'added'), '');
    const directory = join(workshop.folder, 'never');
    await expect(writeRollUp({ directory, bundles: [bad], runner })).rejects.toThrow(/is refused/);
    await expect(writeRollUp({ directory, bundles: [good, good], runner })).rejects.toThrow(/same run/);
    expect((await readdir(workshop.folder)).filter((name) => name.includes('never'))).toEqual([]);
  });
});
