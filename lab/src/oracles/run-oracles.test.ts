import { claims } from '@muster/proof';
import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { scenario, suite } from '../runner/scenario.ts';
import { sabotagedDaemon } from '../saboteurs/sabotaged-daemon.ts';
import { SABOTEURS, type Saboteur } from '../saboteurs/saboteurs.ts';
import { localTarget } from '../targets/local-target.ts';
import { fakeDaemon } from '../testing/fake-daemon.ts';
import { oracleReport } from './oracle-report.ts';
import { type OracleEvent, type OracleOptions, runOracles } from './run-oracles.ts';

const requirement = { id: 'test.machine-status', text: 'A machine that is there already is answered with 200.' };
const ids = { agent_id: 'aa'.repeat(32), machine_id: 'bb'.repeat(32) };

/** Sees what `wrong-status` does, and nothing else. */
const machines = suite({
  name: 'test',
  title: 'Test',
  requirements: [requirement],
  scenarios: [
    scenario({
      id: 'test/machines',
      title: 'a machine is added twice',
      requirements: [requirement.id],
      needs: { nodes: 1, capabilities: ['contacts.addMachine'] },
      phases: {
        async drive({ nodes, claim }) {
          await nodes[0]!.rest('contacts.addMachine', ids);
          claim('again', requirement.id, 'MUST', claims.status(await nodes[0]!.rest('contacts.addMachine', ids), 200));
        },
      },
    }),
  ],
});

function saboteur(name: string, change: Partial<Saboteur> = {}): Saboteur {
  return { ...SABOTEURS.find((one) => one.name === name)!, caughtBy: 'test/machines', ...change };
}

const wrongStatus = saboteur('wrong-status');
const onDaemons = { daemons: 'it is a test' };
/** Its bug cannot be seen by the suite here: as healthy as it gets. */
const healthyEnough = sabotagedDaemon(saboteur('forgets-contact'));

function oracles(options: Partial<OracleOptions> = {}) {
  const makeTarget: OracleOptions['makeTarget'] = (commands) => localTarget({ command: healthyEnough, commands });
  return runOracles({ suites: [machines], makeTarget, saboteurs: [], ...options });
}

test('a bug that the suite sees is caught, one that it does not see is missed, and healthy nodes pass', async () => {
  const events: OracleEvent['type'][] = [];
  const saboteurs = [wrongStatus, saboteur('forgets-contact')];
  const report = await oracles({ saboteurs, healthySeeds: 2, seed: 7, observer: ({ type }) => events.push(type) });
  expect(report.saboteurs).toMatchObject([
    { saboteur: 'wrong-status', world: 'sim', node: 'alice', caught: true, failed: ['test/machines/again'], exitCode: 1 },
    { saboteur: 'forgets-contact', caught: false, failed: [], exitCode: 0 },
  ]);
  expect(report.healthy).toMatchObject([
    { seed: '7', world: 'sim', passed: true, failed: [], exitCode: 0 },
    { seed: '8', passed: true },
  ]);
  expect(report).toMatchObject({ killRate: 0.5, ok: false });
  expect(events).toEqual(['saboteur', 'saboteur', 'healthy', 'healthy']);
});

test('what cannot be hunted on virtual time is hunted on daemons, and healthy daemons pass again and again', async () => {
  const opened: number[] = [];
  const makeTarget: OracleOptions['makeTarget'] = (commands) => {
    const target = localTarget({ command: healthyEnough, commands });
    return { ...target, open: (request) => (opened.push(request.nodes), target.open(request)) };
  };
  const saboteurs = [saboteur('wrong-status', onDaemons), saboteur('forgets-contact')];
  const report = await oracles({ saboteurs, makeTarget, healthyRuns: 2 });
  expect(report.saboteurs).toMatchObject([
    { saboteur: 'wrong-status', world: 'local', caught: true, failed: ['test/machines/again'] },
    { saboteur: 'forgets-contact', world: 'sim', caught: false },
  ]);
  expect(report.healthy).toMatchObject([
    { world: 'local', seed: '1', passed: true },
    { world: 'local', seed: '2', passed: true },
  ]);
  // One world for the hunt, one for both healthy runs.
  expect(opened).toEqual([1, 1]);
});

test('only the check that was named catches', async () => {
  const { saboteurs } = await oracles({ saboteurs: [saboteur('wrong-status', { caughtBy: 'test/machines/elsewhere' })] });
  expect(saboteurs).toMatchObject([{ caught: false, failed: ['test/machines/again'], exitCode: 1 }]);
});

test.for([{}, onDaemons])('only the node that was named has the bug %j', async (where) => {
  const { saboteurs } = await oracles({ saboteurs: [saboteur('wrong-status', { node: 'bob', ...where })] });
  expect(saboteurs).toMatchObject([{ node: 'bob', caught: false, exitCode: 0 }]);
});

test('nodes that do not start are neither a catch nor a pass', async () => {
  const makeTarget = () => localTarget({ command: fakeDaemon('refuse') });
  const report = await oracles({ makeTarget, saboteurs: [saboteur('wrong-status', onDaemons)], healthyRuns: 1 });
  expect(report.saboteurs).toMatchObject([{ caught: false, exitCode: 1, failed: expect.arrayContaining(['target/boot/shared']) as string[] }]);
  expect(report.healthy).toMatchObject([{ passed: false, exitCode: 1 }]);
});

test('trials on virtual time can be handed to others, so many at once; the results keep their order', async () => {
  let running = 0;
  let most = 0;
  const simulate: OracleOptions['simulate'] = async ({ seed }) => {
    most = Math.max(most, ++running);
    await systemClock.sleep(seed === '1' ? 20 : 1);
    running--;
    return { exitCode: seed === '2' ? 2 : 0, broken: [], imperfect: [], ms: 1 };
  };
  const { healthy } = await oracles({ simulate, simulations: 2, healthySeeds: 3 });
  expect(healthy.map(({ seed, passed }) => [seed, passed])).toEqual([
    ['1', true],
    ['2', false],
    ['3', true],
  ]);
  expect(most).toBe(2);
});

test('a trial that cannot be run ends everything', async () => {
  const simulate = () => Promise.reject(new Error('out of memory'));
  await expect(oracles({ simulate, saboteurs: [wrongStatus], healthyRuns: 50 })).rejects.toThrow('out of memory');
});

test('a saboteur that no scenario could catch is refused before anything runs', async () => {
  await expect(oracles({ saboteurs: [saboteur('wrong-status', { caughtBy: 'test/nothing' })] })).rejects.toThrow(/no scenario .* wrong-status/);
});

test('an interrupted run ends with the reason', async () => {
  const signal = AbortSignal.abort(new Error('never mind'));
  await expect(oracles({ saboteurs: [wrongStatus], signal })).rejects.toThrow('never mind');
});

test('nothing planted and nothing run is no success', () => {
  expect(oracleReport([], [])).toMatchObject({ killRate: null, ok: false });
});
