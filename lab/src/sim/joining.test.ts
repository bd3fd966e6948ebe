import { expect, test } from 'vitest';
import type { Machine } from './machine.ts';
import { Simulation } from './simulation.ts';

const NODES = 30;
const CONFIG = 'heartbeat_interval_secs = 300';

test('thirty nodes that start together are one overlay within a second, and do nothing twice for it', { timeout: 60_000 }, async () => {
  const simulation = new Simulation({ seed: '1' });
  const machines: Machine[] = [];
  for (let index = 0; index < NODES; index++) {
    machines.push(simulation.machine({ name: `n${index}`, bootstrap: machines.slice(0, 1), config: CONFIG }));
  }
  for (const machine of machines) await machine.start();
  await simulation.clock.sleep(1_500);
  const services = machines.map(({ node }) => node!.services);
  const sum = (of: (service: (typeof services)[number]) => number): number => services.reduce((total, service) => total + of(service), 0);
  const counted = (name: string): number => sum(({ counters }) => counters.get(name));

  const overlays = services.map(({ pubsub }) => pubsub.overlay);
  expect(new Set(overlays.map(({ machine }) => machine.trees.root)).size).toBe(1);
  for (const { machine } of overlays) expect(machine.trees.rootAge).toBeGreaterThan(500);
  // They speak when they have found neighbours.
  await simulation.clock.sleep(1_000);
  for (const { presence } of services) expect(presence.online()).toHaveLength(NODES - 1);
  // Each link was dialled once, but for the few that both ends dialled in the same moment.
  expect(counted('dials_total') - sum(({ links }) => links.size) / 2).toBeLessThanOrEqual(10);
  // One announcement and one beacon of each to each.
  for (const name of ['announcements_accepted_total', 'presence_beacons_total{outcome="came"}', 'presence_beacons_total{outcome="went-on"}'])
    expect([name, counted(name)]).toEqual([name, name.includes('went-on') ? 0 : NODES * (NODES - 1)]);
  // Nobody was away; a link that is lost on the way has its ends ask.
  expect(sum(({ pubsub }) => pubsub.overlay.stages.kinds.anti_entropy)).toBeLessThan(NODES * 100);
  simulation.end();
});
