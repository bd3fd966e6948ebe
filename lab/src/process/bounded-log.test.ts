import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BoundedLog } from './bounded-log.ts';

function makeLog(head: number, tail: number): BoundedLog {
  const directory = mkdtempSync(join(tmpdir(), 'muster-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return new BoundedLog(join(directory, 'log'), head, tail);
}

test('short output is kept whole', () => {
  const log = makeLog(100, 10);
  log.append(Buffer.from('hello '));
  log.append(Buffer.from('world'));
  log.finish();
  expect(readFileSync(log.path, 'utf8')).toBe('hello world');
  expect(log.tail(5)).toBe('world');
});

test('of long output the beginning and the end are kept, and what is missing is said', () => {
  const log = makeLog(10, 4);
  for (let n = 0; n < 100; n++) log.append(Buffer.from(String(n % 10)));
  log.finish();
  log.finish();
  expect(readFileSync(log.path, 'utf8')).toBe('0123456789\n[86 bytes left out]\n6789');
});
