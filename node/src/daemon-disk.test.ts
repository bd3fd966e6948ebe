import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const mayMount = process.platform === 'linux' && spawnSync('unshare', ['-m', 'true']).status === 0;
const script = fileURLToPath(new URL('./testing/small-disk.ts', import.meta.url));

test.skipIf(!mayMount)('a disk that fills up while a daemon runs costs what needs the disk and nothing else; a start on it says why not', () => {
  const directory = mkdtempSync(join(tmpdir(), 'muster-disk-'));
  try {
    const small = join(directory, 'small');
    mkdirSync(small);
    const command = 'mount -t tmpfs -o size=2m none "$1"; shift; exec "$@"';
    const node = [process.execPath, '--conditions=muster-source', script, directory, small];
    const { before, full, after, received, started, readOnly } = JSON.parse(
      execFileSync('unshare', ['-m', 'sh', '-ec', command, 'sh', small, ...node], { encoding: 'utf8' }),
    );
    const fine = { health: '200', contact: '201', send: '200', receive: '200', publish: '200' };
    expect(before).toEqual(fine);
    expect(full).toEqual({ ...fine, contact: '503 storage unavailable', send: '500 publish_failed', receive: '403 recipient_rejected' });
    expect(after).toEqual(fine);
    expect(received).toBe(2);
    expect(started).toBe('StartError: SMALL/fresh/data/instance.lock cannot grow, the disk is full; free some space (database or disk is full)');
    expect(readOnly).toEqual([
      expect.stringMatching(/^StartError: SMALL\/data\/instance.lock cannot be written; make it and its directory writable[^\n]+$/),
      expect.stringMatching(/^StartError: SMALL\/unused\/new\/data: cannot make the directory \(EROFS[^\n]+; make it writable or set data_dir$/),
    ]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
