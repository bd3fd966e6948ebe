/** What a standard `muster prove` takes, part by part, against the budgets that it prints itself. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median } from './measure.ts';

export interface ProofPart {
  readonly name: string;
  readonly ms: number;
  readonly budgetMs: number;
}

/** Medians of `runs` runs of the command line at `muster`. Throws when one of them does not pass. */
export async function proofParts(muster: string, runs: number): Promise<ProofPart[]> {
  const all: ProofPart[][] = [];
  for (let run = 0; run < runs; run++) {
    const directory = await mkdtemp(join(tmpdir(), 'muster-bench-'));
    try {
      const args = [muster, 'prove', '--json', '--out', join(directory, 'bundle')];
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
      all.push((JSON.parse(stdout) as { parts: ProofPart[] }).parts);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  return all[0]!.map(({ name, budgetMs }) => ({
    name,
    budgetMs,
    ms: median(all.map((parts) => parts.find((part) => part.name === name)!.ms)),
  }));
}
