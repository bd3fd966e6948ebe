import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { EdnHistory, ednOf } from './edn.ts';
import { TestJournal } from './journal.test-helper.ts';
import { LOGS } from './picture/picture.ts';

/** Reads the EDN that is written here: nil, booleans, numbers, strings, keywords, vectors, maps. */
function read(text: string): unknown {
  let at = 0;
  const next = (): unknown => {
    while (/[\s,]/.test(text[at] ?? '')) at += 1;
    const open = text[at];
    if (open === '[' || open === '{') {
      at += 1;
      const items: unknown[] = [];
      for (;;) {
        while (/[\s,]/.test(text[at] ?? '')) at += 1;
        if (text[at] === (open === '[' ? ']' : '}')) break;
        items.push(next());
      }
      at += 1;
      if (open === '[') return items;
      return Object.fromEntries(Array.from({ length: items.length / 2 }, (_, n) => [items[n * 2], items[n * 2 + 1]]));
    }
    const token = /^("(?:\\.|[^"\\])*"|[^\s,[\]{}"]+)/.exec(text.slice(at))![0];
    at += token.length;
    if (token.startsWith('"')) return JSON.parse(token);
    if (token === 'nil') return null;
    if (token === 'true' || token === 'false') return token === 'true';
    if (token.startsWith(':')) return token;
    return Number(token.replace(/N$/, ''));
  };
  return next();
}

it('writes any JSON value so that it can be read back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: 'small' }), (value) => {
      const json = JSON.parse(JSON.stringify(value), (_, one: unknown) => (typeof one === 'string' ? one.toWellFormed() : one)) as never;
      fc.pre(!JSON.stringify(json).includes('__proto__'));
      expect(read(ednOf(json))).toEqual(json);
    }),
    { seed: 20261121, numRuns: 500 },
  );
  expect(ednOf([2 ** 64, 1e-7, 'a\n"\ud800'])).toBe(`[18446744073709551616N 1e-7 "a\\n\\"\ufffd"]`);
});

it('gives operations that overlap processes of their own, and never reuses one that may still be at work', () => {
  const journal = new TestJournal().begin();
  const invoke = (id: string) => journal.write({ type: 'invoke', id, process: 'alice', surface: 'rest', op: 'messaging.publish', input: { n: id } });
  invoke('a');
  invoke('b');
  journal.write({ type: 'ok', id: 'a', status: 200, output: { ok: true } });
  journal.write({ type: 'info', id: 'b', error: 'no answer' });
  invoke('c');
  journal.after(2).write({ type: 'fail', id: 'c', status: 404 });
  invoke('d');
  journal.fault('f', 'bit').observe('bob', LOGS, 'line', { text: 'WARN link down' });
  journal.observe('bob', 'events', 'message', { n: 'a' });
  const history = new EdnHistory();
  const lines = journal.lines.map((line) => history.line(line)).filter((line) => line !== '');
  const entries = lines.map((line) => read(line) as Record<string, unknown>);
  expect(entries.map((entry) => [entry[':index'], entry[':type'], entry[':process'], entry[':f']])).toEqual([
    [0, ':invoke', 0, ':messaging.publish'],
    [1, ':invoke', 1, ':messaging.publish'],
    [2, ':ok', 0, ':messaging.publish'],
    [3, ':info', 1, ':messaging.publish'],
    [4, ':invoke', 0, ':messaging.publish'],
    [5, ':fail', 0, ':messaging.publish'],
    [6, ':invoke', 0, ':messaging.publish'],
    [7, ':info', ':nemesis', ':kill'],
    [8, ':info', ':observer', ':message'],
  ]);
  expect(entries[2]).toMatchObject({ ':value': { ok: true }, ':status': 200, ':node': 'alice' });
  expect(entries[5]).toMatchObject({ ':time': 2_000_000, ':value': { n: 'c' } });
  expect(lines.every((line) => line.endsWith('}\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
});
