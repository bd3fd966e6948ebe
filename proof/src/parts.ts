/** What a run spent its time on: booting its worlds, and each suite. */
import type { Frame } from './frame.ts';

export interface PartTime {
  /** `boot`, or a suite's name */
  readonly name: string;
  /** in which worlds were opened, or scenarios of the suite ran */
  readonly ms: number;
}

/** The phases of opening a world stand under this and the world's name, those of a scenario under its id. */
export const bootPrefix = 'target/boot/';
export const bootPart = 'boot';

/** In the order in which the parts began. Reads phases before line `seq` only; one that is still open counts for nothing. */
export function partsOf(frame: Frame, seq: number = Infinity): PartTime[] {
  const parts = new Map<string, number>();
  for (const scenario of frame.phases.keys()) {
    const lines = frame.phasesBefore(scenario, seq);
    const [first, last] = [lines[0], lines.findLast(({ event }) => event !== 'begin')];
    if (!first || !last) continue;
    const part = scenario.startsWith(bootPrefix) ? bootPart : scenario.split('/', 1)[0]!;
    parts.set(part, (parts.get(part) ?? 0) + last.t - first.t);
  }
  return [...parts].map(([name, ms]) => ({ name, ms: Math.round(ms * 1000) / 1000 }));
}
