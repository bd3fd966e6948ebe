/** How fast the simulated world is, once its nodes are linked and have announced themselves. */
import { simulatedTarget } from '@muster/lab';

const SETTLE_MS = 10_000;
const MEASURED_MS = 10_000;
const BYTES_PER_MB = 1_048_576;

export interface SimulationNumbers {
  readonly nodes: number;
  /** nodes × virtual seconds for each second of CPU */
  readonly nodeSecondsPerSecond: number;
  readonly residentMb: number;
}

export async function simulationNumbers(nodes: number): Promise<SimulationNumbers> {
  const { open, simulation } = simulatedTarget({ seed: 'bench' });
  await using _world = await open({ nodes });
  await simulation.clock.sleep(SETTLE_MS);
  const before = process.cpuUsage();
  await simulation.clock.sleep(MEASURED_MS);
  const { user, system } = process.cpuUsage(before);
  return {
    nodes,
    nodeSecondsPerSecond: (nodes * MEASURED_MS * 1_000) / (user + system),
    residentMb: process.memoryUsage.rss() / BYTES_PER_MB,
  };
}
