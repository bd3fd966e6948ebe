/** The overlay of whole nodes on virtual time: trees, interest, healing, and what becomes of those that stand still. */
import { expect, test } from 'vitest';
import type { Machine } from './machine.ts';
import { WIDE_NETWORK } from './network/quality.ts';
import { Simulation } from './simulation.ts';

const TEN = 10;

class Listener {
  readonly machine: Machine;
  readonly got: string[] = [];
  missed = 0;

  constructor(machine: Machine) {
    this.machine = machine;
    const missed = (count: number): void => void (this.missed += count);
    this.#pubsub.subscribe('t', ({ payload }) => this.got.push(Buffer.from(payload).toString()), { missed });
  }

  get #pubsub() {
    return this.machine.node!.services.pubsub;
  }

  publish(text: string): Promise<void> {
    return this.#pubsub.publish('t', Buffer.from(text));
  }
}

const counter = ({ node }: Machine, name: string): number => node!.services.counters.get(name);

/** All know the first, and find one another through it. */
async function machines(count: number, seed: string): Promise<{ simulation: Simulation; all: Machine[] }> {
  const simulation = new Simulation({ seed, profile: WIDE_NETWORK });
  const first = simulation.machine({ name: 'n0' });
  const others = Array.from({ length: count - 1 }, (_, index) => simulation.machine({ name: `n${index + 1}`, bootstrap: [first] }));
  const all = [first, ...others];
  for (const machine of all) await machine.start();
  await simulation.clock.sleep(10_000);
  return { simulation, all };
}

async function listening(simulation: Simulation, who: readonly Machine[]): Promise<Listener[]> {
  const listeners = who.map((machine) => new Listener(machine));
  await simulation.clock.sleep(3_000);
  return listeners;
}

function expectOnceEach(listeners: readonly Listener[], texts: readonly string[]): void {
  for (const { got } of listeners) expect(got.toSorted()).toEqual(texts.toSorted());
}

test('ten nodes give every message of everyone to everyone, once, at little more than one copy each', async () => {
  const { simulation, all } = await machines(TEN, '1');
  const listeners = await listening(simulation, all);
  const texts = Array.from({ length: 100 }, (_, index) => `${index}`);
  for (const [index, text] of texts.entries()) {
    await listeners[index % TEN]!.publish(text);
    await simulation.clock.sleep(20);
  }
  await simulation.clock.sleep(3_000);
  expectOnceEach(listeners, texts);
  expect(all.reduce((sum, machine) => sum + counter(machine, 'gossip_incoming_duplicate_total'), 0)).toBeLessThan(100 * TEN);
  simulation.end();
});

test('a message for three of ten nodes reaches them, and those with no use for it hear nothing', async () => {
  const { simulation, all } = await machines(TEN, '2');
  const listeners = await listening(simulation, all.slice(0, 3));
  // Whoever carries a topic for others gets its messages and has nobody for them.
  const carried = (machine: Machine): number => counter(machine, 'gossip_no_subscriber_total');
  const before = all.map(carried);
  const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
  for (const [index, text] of texts.entries()) await listeners[index % 3]!.publish(text);
  await simulation.clock.sleep(3_000);
  expectOnceEach(listeners, texts);
  expect(all.filter((machine, index) => index >= 3 && carried(machine) === before[index]).length).toBeGreaterThan(0);
  simulation.end();
});

test('nodes that end are healed around, and links that are cut too', async () => {
  const { simulation, all } = await machines(TEN, '3');
  const listeners = await listening(simulation, all);
  const rest = listeners.slice(3);
  {
    using _wait = simulation.schedule.wait();
    await Promise.all(all.slice(0, 3).map((machine) => machine.stop()));
  }
  for (const link of rest[0]!.machine.node!.services.links.all()) {
    link.interrupted = true;
    link.wire.close('cut');
  }
  const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
  for (const [index, text] of texts.entries()) await rest[index % 7]!.publish(text);
  await simulation.clock.sleep(10_000);
  expectOnceEach(rest, texts);
  simulation.end();
});

test('a node that stood still for five minutes gets what was published meanwhile, once each; after seven it is told how much is gone', async () => {
  const { simulation, all } = await machines(2, '4');
  const [publisher, away] = (await listening(simulation, all)) as [Listener, Listener];
  const texts: string[] = [];
  for (const minutes of [5, 7]) {
    away.machine.pause();
    for (let second = 0; second < minutes * 60; second += 2) {
      texts.push(`${minutes}: ${second}`);
      await publisher.publish(texts.at(-1)!);
      await simulation.clock.sleep(2_000);
    }
    away.machine.resume();
    await simulation.clock.sleep(15_000);
    if (minutes === 5) {
      expectOnceEach([away], texts);
      expect(away.missed).toBe(0);
    }
  }
  expect(new Set(away.got).size).toBe(away.got.length);
  expect(away.missed).toBeGreaterThan(0);
  expect(away.got.length + away.missed).toBe(texts.length);
  simulation.end();
});
