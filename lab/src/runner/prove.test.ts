import { readdirSync, readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claims, type ProofReport, signerFromSeed, verifyBundle } from '@muster/proof';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { type LabClock, systemClock } from '../clock.ts';
import { type FakeBehaviour, fakeDaemon } from '../testing/fake-daemon.ts';
import { localTarget } from '../targets/local-target.ts';
import { remoteTarget, TargetAddressError } from '../targets/remote-target.ts';
import { startLocalWorld } from '../world/local-process.ts';
import { type DaemonCommand, shellCommand } from '../world/daemon-command.ts';
import { NoScenario } from './plan.ts';
import type { ProgressEvent } from './progress-event.ts';
import { prove, type ProveOptions } from './prove.ts';
import { type Scenario, scenario, suite } from './scenario.ts';

const requirement = { id: 'test.knows-itself', text: 'A node says who it is.' };
const runner = signerFromSeed(new Uint8Array(32).fill(7));
const ownCommand = (command: string): DaemonCommand => ({ command, args: [], implementation: command });
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-prove-test-'));
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });
});

const knowsItself = scenario({
  id: 'test/knows-itself',
  title: 'a node says who it is',
  requirements: [requirement.id],
  needs: { nodes: 1, capabilities: ['identity.get'] },
  phases: {
    async drive({ nodes, claim }) {
      const who = await nodes[0]!.rest('identity.get');
      claim('status', requirement.id, 'MUST', claims.status(who, 200));
      claim('id', requirement.id, 'MUST', claims.matches({ op: who.id, at: '/output/agent_id' }, /^[0-9a-f]{64}$/));
    },
  },
});

function oneScenario(
  id: string,
  drive: Scenario['phases']['drive'],
  more: Partial<Omit<Scenario, 'phases'>> & { finally?: () => Promise<void> } = {},
): Scenario {
  const { finally: last, ...rest } = more;
  const phases = { drive, ...(last && { finally: last }) };
  return scenario({ id, title: id, requirements: [requirement.id], needs: { nodes: 1 }, ...rest, phases });
}

async function run(
  scenarios: readonly Scenario[],
  options: Partial<ProveOptions> & { behaviour?: FakeBehaviour } = {},
): Promise<{ report: ProofReport; bundle: string; status: (check: string) => string | undefined; row: (check: string) => unknown }> {
  const { behaviour, ...rest } = options;
  const { report, bundle } = await prove({
    suites: [suite({ name: 'test', title: 'Test', requirements: [requirement], scenarios })],
    target: localTarget({ command: fakeDaemon(behaviour) }),
    out: join(folder, 'bundle'),
    runner,
    seed: '20261121',
    tool: { name: 'muster', version: '0' },
    reproduce: 'muster prove --seed 20261121',
    ...rest,
  });
  const row = (check: string) => report.verdict.rows.find(({ id }) => id === check);
  return { report, bundle, row, status: (check) => row(check)?.status };
}

test('a run ends in a passing verdict and a bundle that verifies, without a trace of a token', async () => {
  const events: ProgressEvent['type'][] = [];
  const tokens: string[] = [];
  const tells = oneScenario('test/tells-its-token', async ({ nodes, claim }) => {
    tokens.push(nodes[0]!.target.token);
    const op = await nodes[0]!.raw('status.health', { method: 'GET', target: '/health', headers: { 'x-said': nodes[0]!.target.token } });
    claim('status', requirement.id, 'MUST', claims.status(op, 200));
  });
  const { report, bundle } = await run([knowsItself, tells], { observer: ({ type }) => events.push(type) });
  expect(report.verdict).toMatchObject({ outcome: 'passed', exitCode: 0 });
  expect(report.worlds).toHaveLength(1);
  expect(await verifyBundle(bundle)).toMatchObject({ exitCode: 0, findings: [] });
  expect(new Set(events)).toEqual(new Set(['planned', 'booting', 'booted', 'begun', 'checked', 'ended', 'bundling', 'finished']));
  const files = readdirSync(bundle, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.map(({ name }) => name)).toContain('shared-alice.log');
  for (const file of files) expect(readFileSync(join(file.parentPath, file.name), 'latin1')).not.toContain(tokens[0]);
  expect(readdirSync(folder)).toEqual(['bundle']);
});

test('what each part took is in the bundle, and one over its budget is a warning', async () => {
  const { report, row, bundle } = await run([knowsItself], { budgets: { boot: 60_000, test: 0, absent: 0 } });
  expect(report.parts.map(({ name }) => name)).toEqual(['boot', 'test']);
  expect(row('run/budget/boot')).toMatchObject({ status: 'pass' });
  expect(row('run/budget/test')).toMatchObject({ status: 'warn', blame: 'lab' });
  expect(row('run/budget/absent')).toBeUndefined();
  expect(report.verdict).toMatchObject({ outcome: 'passed', exitCode: 0, blamed: { target: 0 } });
  expect(await verifyBundle(bundle)).toMatchObject({ exitCode: 0, findings: [] });
});

test('how many planted bugs the suites catch stands beside what they say', async () => {
  const bugs = Array.from({ length: 8 }, (_, n) => ({ name: `bug-${n}`, plants: `does ${n}`, caughtBy: `test/scenario/${n}`, caught: n !== 5 }));
  const { report, bundle } = await run([knowsItself], { killRate: { bugs, measuredAt: '2026-11-21T12:00:00.000Z' } });
  expect(report).toMatchObject({ killRate: 0.875, verdict: { exitCode: 0 } });
  expect(report.calibrations).toContainEqual(expect.objectContaining({ name: 'oracle-kill-rate', measured: 0.875, ok: false }));
  expect(report.plantedBugs).toEqual(bugs);
  const page = readFileSync(join(bundle, 'data/report.html'), 'utf8');
  expect(page).toContain('87.5 %');
  // The one that was missed stands first.
  expect(page).toMatch(/bug-5<\/th>[^]*?>missed<[^]*?does 5[^]*?test\/scenario\/5[^]*?bug-0<\/th>[^]*?>caught</u);
  expect(await verifyBundle(bundle)).toMatchObject({ exitCode: 0, findings: [] });
});

test('a scenario that throws is a crash of the harness, and the others go on', async () => {
  const throws = oneScenario('test/throws', async () => {
    throw new Error('a slip of the author');
  });
  const { row, status, report } = await run([throws, knowsItself]);
  expect(row('test/throws/completed')).toMatchObject({ status: 'crash', blame: 'harness' });
  expect(status('test/knows-itself/id')).toBe('pass');
  expect(report.verdict.exitCode).toBe(3);
});

test('when the daemon died meanwhile it is to blame, and the next scenario gets a fresh world', async () => {
  const dies = oneScenario('test/dies', async ({ nodes, eventually }) => {
    process.kill(nodes[0]!.target.local!.process.pid, 'SIGKILL');
    await eventually('death', () => nodes[0]!.target.died, 5000);
    throw new Error('nobody answers');
  });
  const { row, status, report } = await run([dies, knowsItself]);
  expect(row('test/dies/completed')).toMatchObject({ status: 'crash', blame: 'target' });
  expect(status('test/knows-itself/id')).toBe('pass');
  expect(report.worlds).toHaveLength(2);
  expect(report.verdict.exitCode).toBe(1);
});

test('a scenario that takes too long is timed out, and still cleans up', async () => {
  let cleaned = false;
  const hangs = oneScenario('test/hangs', () => new Promise(() => undefined), { limit: 50, finally: async () => void (cleaned = true) });
  const { row } = await run([hangs, knowsItself]);
  expect(row('test/hangs/completed')).toMatchObject({ status: 'timeout', blame: 'harness' });
  expect(cleaned).toBe(true);
});

test('a refused prerequisite is a failure of the target with a name, not a crash', async () => {
  const needs = oneScenario('test/needs', async ({ nodes, need }) => {
    await need(nodes[0]!.rest('contacts.list'), 'the contacts can be listed');
  });
  const { row, report } = await run([needs]);
  expect(row('test/needs/prerequisite/1')).toMatchObject({ status: 'fail', blame: 'target', title: 'the contacts can be listed' });
  expect(report.verdict.exitCode).toBe(1);
});

test('what the target does not declare is skipped, what was filtered out is not run', async () => {
  const signs = oneScenario('test/signs', async () => undefined, { needs: { nodes: 1, capabilities: ['identity.sign'] } });
  const other = oneScenario('test/other', async () => undefined);
  const { status, report } = await run([knowsItself, signs, other], { selection: { grep: 'knows|signs' } });
  expect(status('test/signs/completed')).toBe('skipped');
  expect(status('test/other/completed')).toBe('notrun');
  expect(report.verdict.exitCode).toBe(0);
});

test('a fault that bites lets its checks count, in a world of its own', async () => {
  const survives = scenario({
    id: 'test/survives',
    title: 'identity survives a kill',
    requirements: [requirement.id],
    needs: { nodes: 1, powers: ['kill'] },
    phases: {
      async drive({ nodes, faults, claim }) {
        const [node] = nodes;
        const before = await node!.rest('identity.get');
        const fault = await faults.kill(node!);
        await fault.heal();
        const after = await node!.rest('identity.get');
        const values = { before: { op: before.id, at: '/output/agent_id' }, after: { op: after.id, at: '/output/agent_id' } };
        claim('identity', requirement.id, 'MUST', claims.stateSurvives(fault.id, values), { needsFaults: [fault] });
      },
    },
  });
  const { status, report } = await run([knowsItself, survives]);
  expect(status('test/survives/identity')).toBe('pass');
  expect(report.worlds.map(({ world }) => world)).toEqual(['shared', 'test-survives']);
  expect(report.verdict.exitCode).toBe(0);
});

test('anytime runs beside drive and ends with it; faults are healed before the end is judged', async () => {
  const order: string[] = [];
  const phased = scenario({
    id: 'test/phased',
    title: 'phases',
    requirements: [requirement.id],
    needs: { nodes: 1, powers: ['kill'] },
    phases: {
      async drive({ nodes, faults, eventually }) {
        await eventually('the other phase looks', () => order.length > 2, 10_000);
        await faults.kill(nodes[0]!);
        order.push('killed');
      },
      async anytime({ clock, signal }) {
        for (;;) {
          order.push('looked');
          await clock.sleep(5, signal);
        }
      },
      async eventually({ nodes, claim }) {
        claim('alive', requirement.id, 'MUST', claims.status(await nodes[0]!.rest('status.health'), 200));
      },
    },
  });
  const { status, report } = await run([phased]);
  expect(order.at(-1)).toBe('killed');
  expect([status('test/phased/alive'), status('test/phased/completed')]).toEqual(['pass', 'pass']);
  const spans = report.phases.filter(({ scenario: of }) => of === 'test/phased').map(({ phase, end }) => `${phase} ${end}`);
  expect(spans.toSorted()).toEqual(['anytime end', 'drive end', 'eventually end', 'setup end']);
});

test('an anytime that fails is not forgotten while drive goes well', async () => {
  const phases: Scenario['phases'] = {
    drive: ({ clock, signal }) => clock.sleep(20, signal),
    anytime: () => Promise.reject(new Error('it broke meanwhile')),
  };
  const broken = scenario({ id: 'test/broken', title: 'breaks', requirements: [], needs: { nodes: 1 }, phases });
  const { row } = await run([broken, knowsItself]);
  expect(row('test/broken/completed')).toMatchObject({ status: 'crash', message: 'anytime: it broke meanwhile' });
});

test('a target that accepts what it cannot know is not believed in anything', async () => {
  const { row, report } = await run([knowsItself], { behaviour: 'says-yes' });
  expect(row('target/canary/shared-alice')).toMatchObject({ status: 'fail', blame: 'target' });
  expect(row('test/knows-itself/id')).toBeUndefined();
  expect(report.verdict.exitCode).toBe(1);
});

test('nodes that do not come up fail the run, with their last words, and leave a bundle that says so', async () => {
  const { row, report, bundle } = await run([knowsItself], { behaviour: 'refuse' });
  expect(row('target/boot/shared')).toMatchObject({
    status: 'crash',
    blame: 'target',
    message: expect.stringMatching(/alice ended with status 3 .*cannot start today/su) as string,
  });
  expect(report.verdict).toMatchObject({ exitCode: 1, outcome: 'failed', blame: 'target', blamed: { harness: 0, lab: 0 } });
  expect(await verifyBundle(bundle)).toMatchObject({ exitCode: 1, findings: [] });
});

test('what is measured by the clock stands on what the lab measured of itself, and blames the lab where that was off', async () => {
  const prompt = oneScenario('test/prompt', async ({ clock, claim, record }) => {
    const { seq } = record.observe('lab', 'test', 'done', { ms: 3 });
    claim('in-time', requirement.id, 'MUST', claims.atMost({ seq, at: '/data/ms' }, 5, 'ms'));
    await clock.sleep(1);
  });
  const good = await run([prompt]);
  expect(good.status('test/prompt/in-time')).toBe('pass');
  const late: LabClock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms + 120, signal) };
  const { report, row } = await run([prompt], { clock: late, out: join(folder, 'late') });
  expect(report.calibrations).toContainEqual(expect.objectContaining({ name: 'timer-overshoot', ok: false }));
  expect(row('test/prompt/in-time')).toMatchObject({ status: 'inconclusive', blame: 'lab' });
  expect(report.verdict).toMatchObject({ exitCode: 2, blame: 'lab', blamed: { target: 0 } });
});

test('what nodes say in their logs is recorded beside what they do', async () => {
  const { bundle } = await run([knowsItself]);
  const journal = readFileSync(join(bundle, 'data/journal.jsonl'), 'utf8');
  expect(journal).toMatch(/"node":"alice","stream":"log","event":"line","data":\{"text":"fake daemon alice /u);
  expect((await verifyBundle(bundle)).findings).toEqual([]);
});

test('how many lines of a log were left out is said of each node, also of one that says nothing more', async () => {
  const elsewhere = oneScenario('test/elsewhere', async () => {}, { needs: { nodes: 1, config: { a: 1 } } });
  const { bundle } = await run([knowsItself, elsewhere], { behaviour: 'chatters' });
  const journal = readFileSync(join(bundle, 'data/journal.jsonl'), 'utf8');
  // 201 lines in each of the two worlds, about 50 of which are told: of the one that was closed, and of the one that is still up.
  expect(journal.match(/"data":\{"text":"its last lines are left out","left_out":1[45]\d\}/gu)).toHaveLength(2);
});

test('the last words of a node do not give its token away', async () => {
  const { row, bundle } = await run([knowsItself], { behaviour: 'blabs' });
  expect(readFileSync(join(bundle, 'data/journal.jsonl'), 'utf8')).toContain('"text":"the token is [secret]"');
  expect(row('target/boot/shared')).toMatchObject({ message: expect.stringContaining('the token is [secret]') as string });
});

test.for([shellCommand('/no/such/daemon'), shellCommand('/'), ownCommand('/no/such/daemon')])(
  'what cannot be executed at all is no fault of the target: $command $args',
  async (command) => {
    const { row, report, bundle } = await run([knowsItself], { target: localTarget({ command }) });
    expect(row('target/boot/shared')).toMatchObject({ status: 'crash', blame: 'harness', message: expect.stringContaining('cannot run') as string });
    expect(report.verdict).toMatchObject({ exitCode: 3, outcome: 'faulty', blamed: { target: 0 } });
    expect(await verifyBundle(bundle)).toMatchObject({ exitCode: 3, findings: [] });
  },
);

test('a selection without a scenario, or a target that cannot be reached, leaves nothing behind', async () => {
  await expect(run([knowsItself], { selection: { grep: 'nope' } })).rejects.toThrow(NoScenario);
  const away = remoteTarget([{ url: 'http://127.0.0.1:1', token: 'x' }]);
  await expect(run([knowsItself], { target: away })).rejects.toThrow(TargetAddressError);
  expect(readdirSync(folder)).toEqual([]);
});

test('an interrupted run still hands over what it has, and says that it was interrupted', async () => {
  const stop = new AbortController();
  const waits = oneScenario('test/waits', async ({ clock, signal }) => {
    stop.abort(new Error('enough'));
    await clock.sleep(60_000, signal);
  });
  const { report, bundle } = await run([waits, knowsItself], { signal: stop.signal });
  expect(report.verdict.rows.find(({ id }) => id === 'run/finished/1')).toMatchObject({ status: 'inconclusive' });
  expect(report.verdict.exitCode).not.toBe(0);
  expect((await verifyBundle(bundle)).findings).toEqual([]);
});

test.for(['interrupted', 'broken by a slip', 'out of time'] as const)(
  'what was broken is healed, and seen to be, when the scenario is %s',
  async (how) => {
    const stop = new AbortController();
    const pauses = oneScenario(
      'test/pauses',
      async ({ nodes, faults, clock, signal }) => {
        await faults.pause(nodes[0]!);
        if (how === 'broken by a slip') throw new Error('a slip of the author');
        if (how === 'interrupted') stop.abort(new Error('enough'));
        await clock.sleep(60_000, signal);
      },
      { needs: { nodes: 1, powers: ['pause'] }, ...(how === 'out of time' && { limit: 3_000 }) },
    );
    const { report } = await run([pauses], { signal: stop.signal });
    expect(report.faults.map(({ stages }) => Object.keys(stages))).toEqual([['requested', 'applied', 'bit', 'healed', 'heal_seen']]);
    expect(report.verdict.exitCode).not.toBe(0);
  },
);

test('nodes that run already can be judged, but not broken', async () => {
  await using world = await startLocalWorld({ command: fakeDaemon(), nodes: ['anna'] });
  const anna = world.node('anna');
  const kills = oneScenario('test/kills', async () => undefined, { needs: { nodes: 1, powers: ['kill'] } });
  const target = remoteTarget([{ url: `http://${anna.address}`, token: anna.token }]);
  const { row, status } = await run([knowsItself, kills], { target });
  expect(status('test/knows-itself/id')).toBe('pass');
  expect(row('test/kills/completed')).toMatchObject({ status: 'notrun', message: expect.stringContaining('power to kill') as string });
  expect(await anna.health()).toMatchObject({ state: 'healthy' });
});
