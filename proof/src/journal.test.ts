import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claims } from './claims.ts';
import { evaluate } from './evaluate.ts';
import { JournalFile, readJournalFile } from './journal-file.ts';
import { maxLineBytes, readJournal } from './journal-reader.ts';
import { runEntry, TestJournal } from './journal.test-helper.ts';
import type { JournalLine } from './journal.ts';
import { JournalWriter } from './journal-writer.ts';
import type { Json } from './json.ts';
import { Redactor } from './redaction.ts';
import { judge } from './verdict.ts';

async function collected(batches: AsyncIterable<readonly JournalLine[]>) {
  const all: JournalLine[] = [];
  for await (const lines of batches) all.push(...lines);
  return all;
}

async function linesOf(text: string | Uint8Array, chunk = 7, options: Parameters<typeof readJournal>[1] = {}) {
  const bytes = Buffer.from(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, index) => bytes.subarray(index * chunk, (index + 1) * chunk));
  return collected(readJournal(chunks, options));
}

describe('writing and reading', () => {
  it('gives back what was written, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.json(), { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), async (values, chunk) => {
        const journal = new TestJournal().begin();
        for (const value of values) journal.after(1).observe('alice', 'any', 'value', JSON.parse(value) as Json);
        expect(await linesOf(journal.text, chunk)).toEqual(journal.lines);
      }),
      { seed: 20261121, numRuns: 100 },
    );
  });

  it('numbers lines from 1 and never lets time run backwards', () => {
    const journal = new TestJournal().after(5).begin();
    journal.now = 2;
    journal.observe('alice', 's', 'e', null);
    expect(journal.lines.map(({ seq, t }) => [seq, t])).toEqual([[1, 5], [2, 5]]); // prettier-ignore
  });

  it('refuses an entry without the shape of its type, and writes nothing', () => {
    const journal = new TestJournal().begin();
    expect(() => journal.write({ type: 'observe', node: 'a', stream: 's', event: 'e' } as never)).toThrow(/data/);
    expect(() => journal.write({ type: 'observe', node: 'a', stream: 's', event: 'e', data: 1, more: 2 } as never)).toThrow(/more/);
    expect(journal.writer.seq).toBe(1);
    expect(journal.text.split('\n')).toHaveLength(2);
  });

  it('ends at a torn last line, or refuses it when told to', async () => {
    const journal = new TestJournal().begin();
    journal.observe('alice', 's', 'e', 'x');
    const torn = journal.text.slice(0, -3);
    const seen: number[] = [];
    expect(await linesOf(torn, 7, { onTorn: (line) => seen.push(line) })).toHaveLength(1);
    expect(seen).toEqual([2]);
    await expect(linesOf(torn, 7, { torn: 'refuse' })).rejects.toMatchObject({ code: 'torn', line: 2 });
  });

  it('judges what is left of a journal cut anywhere, and never as passed', async () => {
    const journal = new TestJournal().begin();
    const op = journal.operation('alice', 'status.health', null, { type: 'ok', status: 200 });
    journal.check('a/health/1', claims.status(op, 200));
    const bytes = Buffer.from(journal.finish().text);
    for (let end = 0; end < bytes.length; end++) {
      const { exitCode } = judge(await evaluate(() => readJournal([bytes.subarray(0, end)])));
      expect(exitCode, `cut after ${end} bytes`).toBe(3);
    }
    expect(judge(await evaluate(() => readJournal([bytes]))).exitCode).toBe(0);
  });

  const second = (line: (text: string) => string) => {
    const journal = new TestJournal().begin();
    journal.after(10).observe('alice', 's', 'e', 'x');
    journal.after(10).observe('alice', 's', 'e', 'y');
    const [first = '', middle = '', last = ''] = journal.text.split('\n');
    return `${first}\n${line(middle)}\n${last}\n`;
  };
  it.each([
    ['not-json', second(() => '{')],
    ['not-canonical', second((text) => text.replace('{', '{ '))],
    ['not-canonical', second((text) => text.replace('"data":"x"', '"data":"y","data":"x"'))],
    ['bad-shape', second((text) => text.replace('observe', 'opine'))],
    ['bad-shape', second((text) => text.replace('"data":"x"', '"data":"x","extra":1'))],
    ['bad-seq', second((text) => text.replace('"seq":2', '"seq":3'))],
    [
      'time-backwards',
      second((text) => text.replace('"t":10', '"t":0').replace('observe', 'observe'))
        .replace('"t":20', '"t":5')
        .replace('"t":0,"type":"observe"', '"t":9,"type":"observe"'),
    ],
  ])('reports %s with its line', async (code, text) => {
    await expect(linesOf(text)).rejects.toMatchObject({ name: 'JournalError', code, line: code === 'time-backwards' ? 3 : 2 });
  });

  it('refuses bytes that are not UTF-8 and lines without an end in sight', async () => {
    await expect(linesOf(Buffer.from([0xff, 0x0a]))).rejects.toMatchObject({ code: 'not-utf8', line: 1 });
    const first = Buffer.from(new TestJournal().begin().text);
    await expect(linesOf(Buffer.concat([first, Buffer.from([0xff, 0x0a])]), 4096)).rejects.toMatchObject({ code: 'not-utf8', line: 2 });
    const long = [Buffer.alloc(maxLineBytes, 'x'), Buffer.alloc(2, 'x')];
    await expect(collected(readJournal(long))).rejects.toMatchObject({ code: 'too-long', line: 1 });
    const ended = [first, Buffer.concat([Buffer.alloc(maxLineBytes + 1, 'x'), Buffer.from('\n')])];
    await expect(collected(readJournal(ended))).rejects.toMatchObject({ code: 'too-long', line: 2 });
  });
});

describe('secrets', () => {
  const secret = 'tok/en+0123456789"abc';

  it('never reach the journal, in values, keys or other encodings', () => {
    let text = '';
    const sink = { append: (line: string) => void (text += line), flush: () => Promise.resolve() };
    const writer = new JournalWriter({ sink, elapsed: () => 0, secrets: [secret] });
    const base64 = Buffer.from(secret).toString('base64');
    const data = { plain: `Bearer ${secret}`, [secret]: 1, url: `/ws?token=${encodeURIComponent(secret)}`, base64, list: [secret] };
    const line = writer.write({ type: 'observe', node: 'a', stream: 's', event: 'e', data }) as JournalLine & { data: unknown };
    expect(line.data).toEqual({ plain: 'Bearer [secret]', '[secret]': 1, url: '/ws?token=[secret]', base64: '[secret]', list: ['[secret]'] });
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), base64]) expect(text).not.toContain(form);
  });

  it('are replaced in numbers too, and from the moment they are known', () => {
    const redactor = new Redactor();
    expect(redactor.json({ pin: 1234567890 })).toEqual({ pin: 1234567890 });
    redactor.add('1234567890');
    expect(redactor.json({ pin: 1234567890, other: 7 })).toEqual({ pin: '[secret]', other: 7 });
  });

  it('are replaced in log bytes without touching the rest', () => {
    const redactor = new Redactor();
    redactor.add('geheimniß');
    const log = Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from('x geheimniß y')]);
    expect(Buffer.from(redactor.bytes(log))).toEqual(Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from('x [secret] y')]));
  });

  it('are found as they are, inside JSON, and not where there are none', () => {
    const redactor = new Redactor();
    redactor.add(secret);
    expect([`x${secret}`, JSON.stringify({ secret }), 'nothing'].map((text) => redactor.finds(text))).toEqual([true, true, false]);
  });

  it('must be long enough not to deface everything else', () => {
    expect(() => new Redactor().add('short')).toThrow(RangeError);
  });
});

describe('the journal file', () => {
  it('is 0600, never overwritten, and holds what was flushed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-journal-'));
    try {
      const path = join(folder, 'journal.jsonl');
      await using file = new JournalFile(path);
      const writer = new JournalWriter({ sink: file, elapsed: () => 1 });
      writer.write(runEntry);
      expect(readFileSync(path, 'utf8')).toBe('');
      await writer.flush();
      expect(await collected(readJournalFile(path))).toHaveLength(1);
      writer.write({ type: 'run', stage: 'finished', outcome: 'complete' });
      await new Promise(setImmediate);
      expect(await collected(readJournalFile(path))).toHaveLength(2);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(() => new JournalFile(path)).toThrow(/EEXIST/);
      file.close();
      expect(() => file.append('x')).toThrow(/closed/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
