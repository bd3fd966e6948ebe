import { type JournalLine, JournalWriter } from '@muster/proof';
import { Recorder } from '../record/recorder.ts';

/** A recorder into memory, and the lines it has written. */
export function memoryRecorder(): { recorder: Recorder; lines: JournalLine[] } {
  const lines: JournalLine[] = [];
  const start = performance.now();
  const sink = { append: () => undefined, flush: async () => undefined };
  const writer = new JournalWriter({ sink, elapsed: () => performance.now() - start, onLine: (line) => lines.push(line) });
  return { recorder: new Recorder(writer), lines };
}
