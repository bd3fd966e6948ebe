import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockInstance } from './instance-lock.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'muster-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A process that holds the lock until it is killed. */
async function holder(): Promise<{ pid: number } & AsyncDisposable> {
  const script = `import { lockInstance } from ${JSON.stringify(new URL('./instance-lock.ts', import.meta.url).href)};
    lockInstance(process.argv[1]); gc(); console.log('locked'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--expose-gc', '--conditions=muster-source', '--input-type=module', '-e', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { pid: child.pid!, [Symbol.asyncDispose]: () => (child.kill('SIGKILL'), ended) };
}

describe('instance lock', () => {
  it('refuses a second daemon with the pid of the first, until that one is killed', async () => {
    {
      await using first = await holder();
      const message = expect.stringMatching(new RegExp(`${directory}.*pid ${first.pid}`)) as string;
      expect(() => lockInstance(directory)).toThrow(expect.objectContaining({ name: 'InstanceLockedError', pid: first.pid, message }) as Error);
    }
    lockInstance(directory)[Symbol.dispose]();
  });

  it('is given back when disposed, and refused within one process too', () => {
    const lock = lockInstance(directory);
    expect(() => lockInstance(directory)).toThrow(expect.objectContaining({ pid: process.pid }) as Error);
    lock[Symbol.dispose]();
    lock[Symbol.dispose]();
    lockInstance(directory)[Symbol.dispose]();
    expect(readdirSync(directory)).toEqual(['instance.lock']);
  });

  it('names a directory that cannot be used', () => {
    expect(() => lockInstance(join(directory, 'missing'))).toThrow(
      expect.objectContaining({ name: 'StoreError', message: expect.stringContaining('instance.lock') }) as Error,
    );
  });
});
