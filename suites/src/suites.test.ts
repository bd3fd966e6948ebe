import { judge, type LabClock, simulatedTarget, type Suite } from '@muster/lab';
import { expect, test } from 'vitest';
import { suites, suitesFor } from './index.ts';
import { expectProven, proven } from './whole-suite.test-helper.ts';

const named = (names: readonly string[], size: { readonly nodes?: number } = {}): Suite[] =>
  suitesFor(size).filter(({ name }) => names.includes(name));

function only(suite: string, id: string): Suite[] {
  return suites.filter(({ name }) => name === suite).map((each) => ({ ...each, scenarios: each.scenarios.filter((one) => one.id === id) }));
}

test('a healthy network satisfies every requirement of smoke, mesh and stress, and each one is really exercised', async () => {
  const report = await expectProven(named(['smoke', 'mesh', 'stress']), { settings: { messages: 30 } });
  expect(report.verdict.rows.filter(({ id }) => id.startsWith('smoke/')).length).toBeGreaterThanOrEqual(19);
}, 60_000);

test('at a rate the load is offered when it is due, by as many nodes as were asked for', async () => {
  const report = await proven(named(['mesh', 'stress'], { nodes: 2 }), { settings: { messages: 20, rate: 50 } });
  // A busy machine may make the harness late, and it says so; that is no failure of the nodes.
  expect(report.verdict.blamed.target).toBe(0);
  expect(report.worlds.map(({ nodes }) => nodes.length)).toEqual([2]);
  expect(report.verdict.rows.map(({ id }) => id)).toContain('stress/delivery/on-time');
}, 60_000);

test('what the generator is late with is its own doing, and nobody else’s', async () => {
  const target = simulatedTarget({ seed: '7' });
  const { clock } = target.simulation;
  // It oversleeps, each time.
  const drowsy: LabClock = { ...clock, sleep: (ms, signal) => clock.sleep(ms + 150, signal) };
  const report = await judge({
    suites: only('stress', 'stress/delivery'),
    target: { ...target, simulated: { ...target.simulated!, clock: drowsy } },
    settings: { messages: 20, rate: 50 },
    seed: '7',
    tool: { name: 'muster', version: '0' },
    reproduce: 'muster prove',
  });
  const row = (check: string) => report.verdict.rows.find(({ id }) => id === `stress/delivery/${check}`);
  expect(row('on-time')).toMatchObject({ status: 'warn', blame: 'harness' });
  expect([row('keeps-up'), row('exactly-once')]).toMatchObject([{ status: 'pass' }, { status: 'pass' }]);
  expect(report.verdict.blamed.target).toBe(0);
  target.simulation.end();
});

test('a load of no messages is refused', async () => {
  const { verdict } = await proven(only('stress', 'stress/delivery'), { settings: { messages: 0 } });
  expect(verdict.rows.find(({ id }) => id === 'stress/delivery/completed')).toMatchObject({
    status: 'crash',
    blame: 'harness',
    message: expect.stringContaining('messages must be a number of 1 or more') as string,
  });
}, 60_000);

test('requirements are named once, and are sentences', () => {
  const all = suites.flatMap(({ requirements }) => requirements);
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  for (const { id, text } of all) {
    expect(id).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
    expect(text, id).toMatch(/^[A-Z/].*\.$/);
  }
});

test('fewer nodes than it takes to talk are refused', () => {
  expect(() => suitesFor({ nodes: 1 })).toThrow(/2 nodes or more/);
  expect(() => suitesFor({ nodes: 2.5 })).toThrow(RangeError);
});
