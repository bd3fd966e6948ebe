/** How fast the simulated world is: while its nodes join, and once they are linked and have announced themselves. */
import { simulatedTarget } from '@muster/lab';

/** from the start of the last node on: until then they tell one another of themselves */
const SETTLE_MS = 20_000;
const MEASURED_MS = 10_000;
const BYTES_PER_MB = 1_048_576;

export interface SimulationNumbers {
  readonly nodes: number;
  /** nodes × virtual seconds for each second of CPU */
  readonly nodeSecondsPerSecond: number;
  /** what it took to get there: seconds of CPU, and virtual ones */
  readonly joining: { readonly cpuSeconds: number; readonly virtualSeconds: number };
  readonly residentMb: number;
}

export async function simulationNumbers(nodes: number): Promise<SimulationNumbers> {
  const begun = process.cpuUsage();
  const { open, simulation } = simulatedTarget({ seed: 'bench' });
  await using _world = await open({ nodes });
  await simulation.clock.sleep(SETTLE_MS);
  const joining = { cpuSeconds: cpuSeconds(begun), virtualSeconds: simulation.clock.monotonic() / 1_000 };
  const before = process.cpuUsage();
  await simulation.clock.sleep(MEASURED_MS);
  return {
    nodes,
    nodeSecondsPerSecond: (nodes * MEASURED_MS) / 1_000 / cpuSeconds(before),
    joining,
    residentMb: process.memoryUsage.rss() / BYTES_PER_MB,
  };
}

function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}
