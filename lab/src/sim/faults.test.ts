import { JournalWriter, type JournalLine } from '@muster/proof';
import { expect, test } from 'vitest';
import { cutMessage } from '../faults/cut-message.ts';
import { partitionOf, PARTITION_SHAPES } from '../faults/cuts.ts';
import { FaultInjector, type Mechanism } from '../faults/fault-injector.ts';
import { halfOpen } from '../faults/half-open.ts';
import { badPaths, partition } from '../faults/link-faults.ts';
import { Recorder } from '../record/recorder.ts';
import { seededRandom } from '../runner/random.ts';
import { simulatedTarget } from '../targets/simulated-target.ts';
import type { TargetWorld } from '../targets/target.ts';
import { machineFaults } from './machine-faults.ts';
import { LOCAL_NETWORK } from './network/quality.ts';
import { Simulation } from './simulation.ts';

const ALL_STAGES = ['requested', 'applied', 'bit', 'healed', 'heal_seen'];

/** A world whose nodes write to each other all the time, and what is recorded of its faults. */
async function busy(seed = '7') {
  const { simulation, open } = simulatedTarget({ seed });
  const { clock } = simulation;
  const world = await open({ nodes: 5, wiring: 'proxied' });
  const lines: JournalLine[] = [];
  const sink = { append: () => undefined, flush: async () => undefined };
  const recorder = new Recorder(new JournalWriter({ sink, elapsed: () => clock.monotonic(), onLine: (line) => lines.push(line) }));
  const over = new AbortController();
  const talking = (async () => {
    for (let n = 0; !over.signal.aborted; n++) {
      for (const { node, identity } of simulation.machines) {
        const other = simulation.machines[(identity.agentId.charCodeAt(0) + n) % 5]!;
        if (other.node !== node) void node?.services.direct.send(other.identity.agentId, Buffer.from(`n${n}`)).catch(() => undefined);
      }
      await clock.sleep(500, over.signal).catch(() => undefined);
    }
  })();
  return {
    simulation,
    world,
    lines,
    faults: new FaultInjector(recorder, clock, 'test'),
    async [Symbol.asyncDispose]() {
      over.abort();
      await talking;
      await world[Symbol.asyncDispose]();
      simulation.end();
    },
  };
}

type Made = readonly [kind: string, make: (world: TargetWorld) => Mechanism];

const names = (world: TargetWorld): string[] => world.nodes.map(({ name }) => name);
const made: readonly Made[] = [
  ['kill', ({ nodes }) => nodes[0]!.faults!.kill()],
  ['restart', ({ nodes }) => nodes[1]!.faults!.restart()],
  ['pause', ({ nodes }) => nodes[2]!.faults!.pause()],
  ['power-loss', ({ nodes }) => nodes[3]!.faults!.losePower()],
  ['clock-skew', ({ nodes }) => nodes[4]!.faults!.skewClock(-20_000)],
  ['clock-drift', ({ nodes }) => nodes[4]!.faults!.driftClock(500_000)],
  ['disk-full', ({ nodes }) => nodes[0]!.faults!.fillDisk()],
  ['disk-slow', ({ nodes }) => nodes[1]!.faults!.slowDisk(30)],
  ['half-open', ({ links }) => halfOpen(links[0]!, links[0]!.from)],
  ['cut-message', ({ links }) => cutMessage(links[1]!, links[1]!.to)],
  ['bad-paths', ({ links }) => badPaths(links, ['alice'], { delayMs: 40, jitterMs: 20, loss: 0.01 }, (purpose) => seededRandom('7', purpose))],
  ...PARTITION_SHAPES.map((shape): Made => [`partition-${shape}`, (world) => partition(world.links, partitionOf(shape, names(world), seededRandom('7', shape)))]), // prettier-ignore
];

test('each fault of the simulated world is applied, bites, is healed and seen to be', async () => {
  await using run = await busy();
  for (const [kind, make] of made) {
    const from = run.lines.length;
    const fault = await run.faults.inject(make(run.world));
    const healed = await fault.heal();
    const stages = run.lines.slice(from).flatMap((line) => (line.type === 'fault' && line.kind === kind ? [line.stage] : []));
    expect([kind, healed, ...stages]).toEqual([kind, true, ...ALL_STAGES]);
    await run.simulation.clock.sleep(5_000);
  }
  expect(run.simulation.machines.map(({ died }) => died)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  const severed = run.lines.find((line) => line.type === 'fault' && line.kind === 'cut-message' && line.stage === 'bit');
  expect(severed).toMatchObject({ evidence: { seen: { bytes_passed: expect.any(Number) as number, bytes_lost: expect.any(Number) as number } } });
}, 120_000);

test('what nobody meets with does not bite', async () => {
  const { simulation, open } = simulatedTarget({ seed: '7' });
  const world = await open({ nodes: 2, wiring: 'proxied' });
  const { fillDisk } = world.nodes[0]!.faults!;
  const idle = fillDisk();
  await idle.apply();
  expect(await idle.bites()).toBeUndefined();
  const [link] = world.links;
  const unsaid = cutMessage(link!, link!.from);
  await unsaid.apply();
  expect(await unsaid.bites()).toBeUndefined();
  await world[Symbol.asyncDispose]();
  simulation.end();
});

test('a disk that is full stays full for a node that makes room', async () => {
  const simulation = new Simulation({ seed: '1', profile: LOCAL_NETWORK });
  const machine = simulation.machine({ name: 'alice' });
  const store = machine.disk.open(() => {});
  store.batch([{ key: 'large', value: new Uint8Array(1_000) }], 'durable');
  const fault = machineFaults(simulation, machine).fillDisk();
  await fault.apply();
  store.batch([{ key: 'large', value: null }], 'durable');
  expect(await fault.bites()).toBeUndefined();
  const write = (): void => store.batch([{ key: 'small', value: new Uint8Array(10) }], 'durable');
  expect(write).toThrow(expect.objectContaining({ code: 'full' }));
  expect(await fault.bites()).toEqual({ refused: 1 });
  await fault.heal();
  write();
  expect(await fault.healed!()).toEqual({ grown: 1 });
  simulation.end();
});
