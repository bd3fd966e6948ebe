/** What the load generator manages by itself: operations that are recorded, and answered at once by nobody. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalFile, JournalWriter } from '@muster/proof';
import { systemClock } from '../clock.ts';
import { Recorder } from '../record/recorder.ts';
import { type Offered, openLoop } from './open-loop.ts';

const WARM_UP = 2_000;

export interface GeneratorSpeed {
  readonly offered: Offered;
  readonly cpuMicrosPerOperation: number;
}

/** `rate`: operations per second */
export async function generatorSpeed(rate: number, count: number): Promise<GeneratorSpeed> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-generator-'));
  try {
    await using file = new JournalFile(join(folder, 'journal.jsonl'));
    const recorder = new Recorder(new JournalWriter({ sink: file, elapsed: () => performance.now() }));
    const answer = { outcome: 'ok', status: 200, output: { ok: true } } as const;
    const act = (n: number) => {
      const input = { topic: 'all', payload: `message ${n}` };
      return recorder.operation({ process: 'nobody', surface: 'rest', op: 'messaging.publish', input }, async () => answer);
    };
    const options = { clock: systemClock, rate, stop: new AbortController().signal };
    await openLoop(act, { ...options, count: WARM_UP });
    const before = process.cpuUsage();
    const offered = await openLoop(act, { ...options, count });
    const { user, system } = process.cpuUsage(before);
    return { offered, cpuMicrosPerOperation: (user + system) / offered.offered };
  } finally {
    await rm(folder, { recursive: true });
  }
}
