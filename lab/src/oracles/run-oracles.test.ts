import { claims } from '@muster/proof';
import { expect, test } from 'vitest';
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
/** Its bug cannot be seen by the suite here: as healthy as it gets. */
const healthyEnough = sabotagedDaemon(saboteur('forgets-contact'));

function oracles(options: Partial<OracleOptions> = {}) {
  const makeTarget: OracleOptions['makeTarget'] = (commands) => localTarget({ command: healthyEnough, commands });
  return runOracles({ suites: [machines], makeTarget, saboteurs: [], ...options });
}

test('a bug that the suite sees is caught, one that it does not see is missed, and healthy nodes pass', async () => {
  const events: OracleEvent['type'][] = [];
  const saboteurs = [wrongStatus, saboteur('forgets-contact')];
  const report = await oracles({ saboteurs, healthyRuns: 1, seed: 7, observer: ({ type }) => events.push(type) });
  expect(report.saboteurs).toMatchObject([
    { saboteur: 'wrong-status', node: 'alice', caught: true, failed: ['test/machines/again'], exitCode: 1 },
    { saboteur: 'forgets-contact', caught: false, failed: [], exitCode: 0 },
  ]);
  expect(report.healthy).toMatchObject([{ seed: '7', passed: true, failed: [], exitCode: 0 }]);
  expect(report).toMatchObject({ killRate: 0.5, ok: false });
  expect(events).toEqual(['saboteur', 'saboteur', 'healthy']);
});

test('only the check that was named catches', async () => {
  const { saboteurs } = await oracles({ saboteurs: [saboteur('wrong-status', { caughtBy: 'test/machines/elsewhere' })] });
  expect(saboteurs).toMatchObject([{ caught: false, failed: ['test/machines/again'], exitCode: 1 }]);
});

test('only the node that was named has the bug', async () => {
  const { saboteurs } = await oracles({ saboteurs: [saboteur('wrong-status', { node: 'bob' })] });
  expect(saboteurs).toMatchObject([{ node: 'bob', caught: false, exitCode: 0 }]);
});

test('nodes that do not start are neither a catch nor a pass', async () => {
  const makeTarget = () => localTarget({ command: fakeDaemon('refuse') });
  const report = await oracles({ makeTarget, saboteurs: [wrongStatus], healthyRuns: 1 });
  expect(report.saboteurs).toMatchObject([{ caught: false, exitCode: 1, failed: expect.arrayContaining(['target/boot/shared']) as string[] }]);
  expect(report.healthy).toMatchObject([{ passed: false, exitCode: 1 }]);
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
