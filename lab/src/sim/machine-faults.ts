/** Faults of a simulated node. What they did is seen as it is with a real one: by asking its API. */
import type { Json } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import type { Mechanism } from '../faults/fault-injector.ts';
import type { NodeFaults } from '../record/target-node.ts';
import { apiTransport } from './api-transport.ts';
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

export function machineFaults(simulation: Simulation, machine: Machine): NodeFaults {
  const seen = (wanted: Health) => async (): Promise<Json | undefined> =>
    (await healthOf(simulation, machine)) === wanted ? { api: wanted } : undefined;
  const start = async (): Promise<Json> => {
    await passing(simulation, () => machine.start());
    return { started: machine.name };
  };
  const ending = (kind: string, end: () => void | Promise<void>): Mechanism => ({
    kind,
    node: machine.name,
    async apply() {
      await passing(simulation, async () => end());
      return { ended: machine.name };
    },
    bites: seen('refused'),
    heal: start,
    healed: seen('healthy'),
  });
  return {
    kill: () => ending('kill', () => machine.kill()),
    restart: () => ending('restart', () => machine.stop()),
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
export async function passing<T>(
  { schedule }: { readonly schedule: Simulation['schedule'] } & { readonly clock: LabClock },
  work: () => Promise<T>,
): Promise<T> {
  using _wait = schedule.wait();
  return await work();
}
