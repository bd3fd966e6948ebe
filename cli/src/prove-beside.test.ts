/** One host, three users of it: a daemon that lives there, and two runs that know nothing of it or of each other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OwnHome } from './testing/own-home.ts';

interface World {
  readonly worlds: readonly { readonly nodes: readonly { readonly machineId: string }[] }[];
}

it('two runs and a user’s daemon on one host never meet', async () => {
  await using home = await OwnHome.create();
  await home.configure();
  expect((await home.muster('start')).code).toBe(0);
  const runs = ['one', 'other'];
  const ended = await Promise.all(runs.map((out) => home.muster('prove', '--grep', '^smoke/linked ', '--nodes', '2', '--out', out)));
  expect(ended).toEqual(runs.map(() => expect.objectContaining({ code: 0 })));

  for (const run of runs) {
    const read = (file: string): Promise<string> => readFile(join(home.root, run, 'data', file), 'utf8');
    const { worlds } = JSON.parse(await read('world.json')) as World;
    const machines = worlds.flatMap(({ nodes }) => nodes.map(({ machineId }) => machineId));
    const lists = [...(await read('journal.jsonl')).matchAll(/"peers":\[([^\]]*)\]/g)].map(([, list]) => list!);
    const listed = lists.flatMap((list) => list.match(/[0-9a-f]{64}/g) ?? []);
    expect(new Set(listed)).toEqual(new Set(machines));
  }
  expect(JSON.parse((await home.muster('peers', '--json')).stdout)).toEqual({ ok: true, peers: [] });
  // Nobody was at its door either.
  expect((await home.muster('metrics')).stdout).not.toMatch(/_refused_total/);
});
