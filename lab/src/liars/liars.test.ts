/** That each liar lies: what comes of the messages of alice, between whom and carol there is nobody else. */
import { expect, test } from 'vitest';
import { simulatedTarget } from '../targets/simulated-target.ts';
import { type Liar, LIARS } from './liars.ts';

const MESSAGES = 10;

async function beyond(liar?: Liar) {
  const target = simulatedTarget({ seed: '7' });
  await using _world = await target.open({ nodes: 3, wiring: 'line', ...(liar && { liars: { bob: liar } }) });
  const { simulation } = target;
  const { clock, network } = simulation;
  const [alice, bob, carol] = simulation.machines.map((machine) => ({ host: machine.host, services: machine.node!.services }));
  const heard: string[] = [];
  carol!.services.pubsub.subscribe('t', ({ payload }) => void heard.push(Buffer.from(payload).toString()));
  const way = network.way(bob!.host, carol!.host);
  await clock.sleep(3_000);
  for (let n = 0; n < MESSAGES; n++) {
    await alice!.services.pubsub.publish('t', Buffer.from(`${n}`));
    await clock.sleep(300);
  }
  await clock.sleep(5_000);
  const counters = new Map(carol!.services.counters.entries());
  simulation.end();
  return {
    heard: heard.length,
    /** copies beyond the first */
    again: counters.get('gossip_incoming_duplicate_total') ?? 0,
    cutFor: [...counters.keys()].flatMap((name) => /^overlay_cut_total\{reason="(.*)"\}$/u.exec(name)?.[1] ?? []).join(),
    bytes: way.forwarded,
  };
}

test('each liar does what it is called', async () => {
  const honest = await beyond();
  expect(honest).toMatchObject({ heard: MESSAGES, again: 0, cutFor: '' });
  const lied = Object.fromEntries(await Promise.all(LIARS.map(async (liar) => [liar, await beyond(liar)] as const))) as Record<Liar, typeof honest>;
  expect(lied.forges).toMatchObject({ heard: 0, cutFor: 'forged' });
  expect(lied.drops).toMatchObject({ heard: 0, cutFor: '' });
  expect(lied['invents-interest']).toMatchObject({ cutFor: 'greedy' });
  expect(lied.replays).toMatchObject({ heard: MESSAGES, cutFor: '' });
  expect(lied.duplicates).toMatchObject({ heard: MESSAGES, cutFor: '' });
  expect(lied.floods).toMatchObject({ heard: MESSAGES, again: 0, cutFor: '' });
  // Two more of each; up to five older ones beside each; ids of messages that there are not.
  expect(lied.duplicates.again).toBeGreaterThanOrEqual(2 * MESSAGES);
  expect(lied.replays.again).toBeGreaterThan(lied.duplicates.again);
  expect(lied.floods.bytes).toBeGreaterThan(honest.bytes + 20_000);
});
