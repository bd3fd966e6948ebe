/** One host, three users of it: a daemon that lives there, and two runs that know nothing of it or of each other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OwnHome } from './testing/own-home.ts';

/** Messages of each node, and how long it takes to send them: each run sees the whole of the other one's boot. */
const LOAD = ['--nodes', '2', '--messages', '200', '--rate', '100'];

it('two runs and a user’s daemon on one host never meet', async () => {
  await using home = await OwnHome.create();
  await home.configure();
  expect((await home.muster('start')).code).toBe(0);
  const runs = ['one', 'other'];
  const ended = await Promise.all(runs.map((out) => home.muster('prove', '--suite', 'stress', ...LOAD, '--out', out)));
  expect(ended).toEqual(runs.map(() => expect.objectContaining({ code: 0 })));

  const journals = await Promise.all(runs.map((run) => readFile(join(home.root, run, 'data', 'journal.jsonl'), 'utf8')));
  const times = journals.map((journal) => {
    const start = Date.parse(/"startedAt":"([^"]+)"/.exec(journal)![1]!);
    return { start, measured: start + Number(/"t":([\d.]+)/.exec(linesWith(journal, 'muster_links').at(-1)!)![1]) };
  });
  // They were there at the same time …
  expect(Math.max(...times.map(({ start }) => start))).toBeLessThan(Math.min(...times.map(({ measured }) => measured)));
  // … and in the end every node still has the one link of its own run.
  for (const journal of journals) expect(new Set(journal.match(/muster_links \d+/g))).toEqual(new Set(['muster_links 1']));
  expect(JSON.parse((await home.muster('peers', '--json')).stdout)).toEqual({ ok: true, peers: [] });
  // Nobody was at its door either.
  expect((await home.muster('metrics')).stdout).not.toMatch(/_refused_total/);
});

function linesWith(journal: string, what: string): string[] {
  return journal.split('\n').filter((line) => line.includes(what));
}
