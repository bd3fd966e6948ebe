import { expect, onTestFinished, test } from 'vitest';
import { OwnHome } from './testing/own-home.ts';

test('a run in two parts is one verdict, of which neither part is enough; what is required is told without a run', { timeout: 120_000 }, async () => {
  const home = await OwnHome.create();
  onTestFinished(() => home[Symbol.asyncDispose]());
  const run = ['prove', '--world', 'sim', '--suite', 'mesh', 'stress', '--messages', '20', '--seed', '7', '--no-history'];
  const ran: string[][] = [];
  for (const part of ['1/2', '2/2']) {
    const { code, stdout } = await home.muster(...run, '--shard', part, '--out', `part-${part[0]}`, '--json');
    const { verdict } = JSON.parse(stdout) as { verdict: { rows: { id: string; filteredOut?: true }[] } };
    expect(code).toBe(0);
    ran.push(verdict.rows.flatMap(({ id, filteredOut }) => (filteredOut ? [] : [id])).filter((id) => id.endsWith('/completed')));
  }
  expect(ran.map(({ length }) => length > 0)).toEqual([true, true]);
  expect(ran.flat().toSorted()).toEqual(['mesh/pairs/completed', 'stress/counters/completed', 'stress/delivery/completed']);
  expect(await home.muster('merge', 'part-1', 'part-2', '--out', 'whole')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^passed: /u) });
  const half = await home.muster('merge', 'part-1', '--out', 'half');
  expect(half).toMatchObject({ code: 2, stdout: expect.stringMatching(/^inconclusive: /u) });

  const required = await home.muster('prove', '--requirements', '--suite', 'mesh', '--json');
  expect(JSON.parse(required.stdout)).toEqual([
    expect.objectContaining({ requirement: 'mesh.runners', state: 'tested', scenarios: ['mesh/pairs'] }),
    expect.objectContaining({ requirement: 'mesh.pairs', state: 'tested', scenarios: ['mesh/pairs'] }),
  ]);
});
