import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claims, judgeCheck, RESOURCES } from '@muster/proof';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { diskUsage, processUsage } from '../process/process-usage.ts';
import { localTarget } from '../targets/local-target.ts';
import { memoryRecorder } from '../testing/journals.ts';
import { realDaemon } from '../testing/real-daemon.ts';
import { ResourceSampler } from './resource-sampler.ts';

const until = (what: string, condition: () => boolean) => eventually(systemClock, condition, { within: 20_000, what });

/** A process that opens what it is told to, a line each. */
async function opener() {
  const program = `
    const { createInterface } = require('node:readline');
    const { openSync } = require('node:fs');
    const { createServer } = require('node:net');
    createInterface({ input: process.stdin }).on('line', (line) => {
      if (line === 'file') openSync('/dev/null');
      if (line === 'socket') return createServer().listen(0, '127.0.0.1', () => console.log('done'));
      if (line === 'work') for (const end = process.cpuUsage().user + 60_000; process.cpuUsage().user < end;);
      console.log('done');
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const tell = async (line: string): Promise<void> => {
    child.stdin.write(`${line}\n`);
    await once(child.stdout, 'data');
  };
  await tell('nothing');
  return { pid: child.pid!, tell };
}

describe.skipIf(process.platform !== 'linux')('what the system says', () => {
  test('of a process: its handles, sockets, processor time and memory', async () => {
    const { pid, tell } = await opener();
    const before = processUsage(pid)!;
    expect(before.rss_bytes).toBeGreaterThan(10_000_000);
    expect(processUsage(process.pid)!.rss_bytes / process.memoryUsage.rss()).toBeCloseTo(1, 0.5);
    await tell('file');
    expect(processUsage(pid)).toMatchObject({ handles: before.handles + 1, files: before.files + 1, sockets: before.sockets });
    await tell('socket');
    expect(processUsage(pid)).toMatchObject({ handles: before.handles + 2, sockets: before.sockets + 1 });
    await tell('work');
    expect(processUsage(pid)!.cpu_ms).toBeGreaterThanOrEqual(before.cpu_ms + 50);
  });

  test('nothing of a process that is not there', () => {
    expect(processUsage(2 ** 30)).toBeUndefined();
  });

  test('of directories: all files in them, and nothing of one that is not there', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'muster-disk-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, 'a'), 'x'.repeat(1_000));
    expect(await diskUsage([directory, join(directory, 'absent')])).toBe(1_000);
  });

  test('of a daemon, while it lives: enough to judge how it grows', async () => {
    const { recorder, lines } = memoryRecorder();
    await using world = await localTarget({ command: realDaemon() }).open({ nodes: 1 });
    await using sampler = new ResourceSampler(world.nodes, { recorder, clock: systemClock, metrics: true, every: 20 });
    const heaps = () => lines.filter((line) => line.type === 'observe' && 'heap_bytes' in (line.data as object)).length;
    await until('samples', () => heaps() >= 8);
    const samples = lines.flatMap((line) => (line.type === 'observe' ? [line] : []));
    for (const { node, stream, data } of samples.filter((line) => 'heap_bytes' in (line.data as object))) {
      expect([node, stream]).toEqual(['alice', RESOURCES]);
      for (const what of ['rss_bytes', 'heap_bytes', 'handles', 'sockets', 'cpu_ms', 'disk_bytes'])
        expect((data as Record<string, number>)[what], what).toBeGreaterThan(0);
    }
    const claim = claims.resourceEnvelope({ samples: { stream: RESOURCES }, at: '/sockets', most: 100, perHour: 1e9 });
    const result = judgeCheck({ type: 'check', id: 'a/b', requirement: 'c', level: 'MUST', claim, range: [1, lines.length], seq: 99, t: 0 }, lines);
    expect(result.status, result.message).toBe('pass');
    await world.nodes[0]!.local!.kill();
    const count = lines.length;
    await sampler[Symbol.asyncDispose]();
    expect(lines).toHaveLength(count);
  });
});
