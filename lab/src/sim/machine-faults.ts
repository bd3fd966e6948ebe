/** Faults of a simulated node. What they did is seen as it is with a real one: by asking its API. */
import type { Json } from '@muster/proof';
import { clockDrifted, clockOff, createdAhead } from '../faults/clock-reading.ts';
import type { Mechanism } from '../faults/fault-injector.ts';
import type { NodeFaults } from '../record/target-node.ts';
import { apiTransport } from './api-transport.ts';
import type { Disk, DiskQuality } from './engines/disk.ts';
import type { Machine } from './machine.ts';
import type { Simulation } from './simulation.ts';

/** virtual ms that a paused node is given to break its silence */
const SILENCE_MS = 300;

type Health = 'healthy' | 'refused' | 'silent';

async function healthOf({ schedule, trace, clock }: Simulation, machine: Machine): Promise<Health> {
  const limit = clock.timeout(SILENCE_MS);
  try {
    const { status } = await apiTransport(machine, schedule, trace).request({ method: 'GET', target: '/health', headers: {} }, limit);
    return status === 200 ? 'healthy' : 'silent';
  } catch {
    return limit.aborted ? 'silent' : 'refused';
  }
}

/** ms that the node's clock is ahead of the true time, as the card that it makes of itself says; undefined without an answer */
async function aheadOf({ schedule, trace, clock }: Simulation, machine: Machine): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${machine.token}` };
  try {
    const { body } = await apiTransport(machine, schedule, trace).request(
      { method: 'GET', target: '/agent/card', headers },
      clock.timeout(SILENCE_MS),
    );
    const { card } = JSON.parse(new TextDecoder().decode(body)) as { card: { created_at: number } };
    return createdAhead(card, clock.now());
  } catch {
    return undefined;
  }
}

export function machineFaults(simulation: Simulation, machine: Machine): NodeFaults {
  const seen = (wanted: Health) => async (): Promise<Json | undefined> =>
    (await healthOf(simulation, machine)) === wanted ? { api: wanted } : undefined;
  const start = async (): Promise<Json> => {
    await passing(simulation, () => machine.start());
    return { started: machine.name };
  };
  const ending = (kind: string, end: () => Promise<Json | void>): Mechanism => ({
    kind,
    node: machine.name,
    async apply() {
      return (await passing(simulation, end)) ?? { ended: machine.name };
    },
    bites: seen('refused'),
    heal: start,
    healed: seen('healthy'),
  });
  /** Bites, and is seen to be healed, once the node's own writes have met with it. */
  const spoilt = (kind: string, worse: () => Partial<DiskQuality>, hit: keyof Disk['counts'], good: keyof Disk['counts']): Mechanism => {
    const { disk } = machine;
    const { quality } = disk;
    let before = 0;
    return {
      kind,
      node: machine.name,
      async apply() {
        before = disk.counts[hit];
        const change = worse();
        disk.quality = { ...quality, ...change };
        return { ...change };
      },
      async bites() {
        const times = disk.counts[hit] - before;
        if (times > 0) return { [hit]: times };
        // A node may have made room for itself meanwhile: whoever fills a disk fills that, too.
        disk.quality = { ...quality, ...worse() };
        return undefined;
      },
      async heal() {
        const times = disk.counts[hit] - before;
        disk.quality = quality;
        before = disk.counts[good];
        return { [hit]: times };
      },
      async healed() {
        const times = disk.counts[good] - before;
        return times > 0 ? { [good]: times } : undefined;
      },
    };
  };
  return {
    kill: () => ending('kill', async () => machine.kill()),
    restart: () => ending('restart', () => machine.stop()),
    losePower: () => ending('power-loss', async () => ({ batches_lost: machine.losePower() })),
    skewClock: (ms) => ({
      kind: 'clock-skew',
      node: machine.name,
      async apply() {
        machine.clock.skew += ms;
        return { ms };
      },
      bites: async () => clockOff(await aheadOf(simulation, machine), ms),
      async heal() {
        machine.clock.skew -= ms;
        return { ms: -ms };
      },
      healed: async () => clockOff(await aheadOf(simulation, machine), 0),
    }),
    driftClock(ppm) {
      const { schedule } = simulation;
      let since = 0;
      return {
        kind: 'clock-drift',
        node: machine.name,
        async apply() {
          since = schedule.now;
          machine.clock.wander = { since, ppm };
          return { ppm };
        },
        bites: async () => clockDrifted(await aheadOf(simulation, machine), ((schedule.now - since) * ppm) / 1e6),
        async heal() {
          delete machine.clock.wander;
          return { ppm: 0 };
        },
        healed: async () => clockOff(await aheadOf(simulation, machine), 0),
      };
    },
    fillDisk: () => spoilt('disk-full', () => ({ maxBytes: machine.disk.bytes }), 'refused', 'grown'),
    slowDisk: (syncMs) => spoilt('disk-slow', () => ({ syncMs }), 'slow', 'synced'),
    pause: () => ({
      kind: 'pause',
      node: machine.name,
      async apply() {
        machine.pause();
        return { paused: machine.name };
      },
      bites: seen('silent'),
      async heal() {
        machine.resume();
        return { resumed: machine.name };
      },
      healed: seen('healthy'),
    }),
  };
}

/** Does work that takes virtual time. */
export async function passing<T>({ schedule }: Pick<Simulation, 'schedule'>, work: () => Promise<T>): Promise<T> {
  using _wait = schedule.wait();
  return await work();
}
