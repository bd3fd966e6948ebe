import { expect, test } from 'vitest';
import { lineLog } from './log.ts';

function lines(level: 'error' | 'warn' | 'info' | 'debug', format: 'text' | 'json') {
  const written: string[] = [];
  const log = lineLog({ write: (line) => written.push(line) }, level, format, () => 0);
  return { log, written };
}

test('writes what is at least as grave as asked for', () => {
  const { log, written } = lines('warn', 'text');
  for (const level of ['error', 'warn', 'info', 'debug'] as const) log.write(level, 'x');
  expect(written).toEqual(['1970-01-01T00:00:00.000Z ERROR x\n', '1970-01-01T00:00:00.000Z WARN  x\n']);
});

test('a peer’s text cannot begin a line or command a terminal', () => {
  const evil = 'bye\n1970 ERROR forged\r\u001b[2J\u009b2J';
  const text = lines('debug', 'text');
  text.log.write('info', evil, { reason: evil, count: 3, nothing: undefined, list: ['a\nb'] });
  expect(text.written).toHaveLength(1);
  // oxlint-disable-next-line no-control-regex
  expect(text.written[0]!.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  expect(text.written[0]).toContain(String.raw`reason=bye\u000a1970 ERROR forged\u000d\u001b[2J\u009b2J count=3`);
  const json = lines('debug', 'json');
  json.log.write('info', evil, { reason: evil });
  expect(json.written[0]!.trimEnd()).not.toContain('\n');
  expect(JSON.parse(json.written[0]!)).toEqual({ time: '1970-01-01T00:00:00.000Z', level: 'info', message: evil, reason: evil });
});
