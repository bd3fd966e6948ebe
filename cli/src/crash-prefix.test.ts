/** What is left of a run that is killed, as its user finds it. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OwnHome } from './testing/own-home.ts';

const CHECKS = 5;

let home: OwnHome;
beforeAll(async () => {
  home = await OwnHome.create();
});
afterAll(() => home[Symbol.asyncDispose]());

it('keeps what a run has recorded when it is killed, says what it is, and judges it as far as it goes', async () => {
  const arguments_ = ['prove', '--grep', '^smoke/bad-input ', '--nodes', '2', '--out', 'proof'];
  const run = home.spawn('muster', arguments_);
  run.stdout!.resume();
  const ended = once(run, 'exit');
  const journal = join(home.root, 'proof.partial', 'journal.jsonl');
  const checks = async (): Promise<number> => (await readFile(journal, 'utf8').catch(() => '')).split('"type":"check"').length - 1;
  while ((await checks()) < CHECKS && run.exitCode === null) await sleep(20);
  run.kill('SIGKILL');
  await ended;
  // What it had recorded a second before is there.
  expect(await checks()).toBeGreaterThanOrEqual(CHECKS);

  const verified = await home.muster('verify', 'proof.partial');
  expect(verified.stdout).toMatch(
    /^crash prefix: the run was killed; \d+ lines of [\d.]+ s, which nobody signed, judged as far as they go\n\ninconclusive: /,
  );
  expect(verified.stdout).toMatch(/\ninconclusive +run\/signed\/1 +harness +the run was killed before anybody signed what it found\n/);
  expect(verified.code).toBe(2);
  expect(JSON.parse((await home.muster('--json', 'verify', 'proof.partial')).stdout)).toMatchObject({ ok: false, accepted: false, exitCode: 2 });

  const report = await home.muster('report', 'proof.partial', '--out', 'page.html');
  expect(report).toMatchObject({ code: 0, stdout: expect.stringMatching(/^crash prefix: .*\n(?:.*\n)*pass +smoke\/bad-input\//) as string });
  expect(await readFile(join(home.root, 'page.html'), 'utf8')).toMatch(/^<!doctype html>/i);

  expect(await home.muster('verify', 'proof')).toMatchObject({ code: 4, stderr: expect.stringContaining('proof.partial') as string });
  expect(await home.muster('export', 'proof.partial')).toMatchObject({ code: 4, stderr: expect.stringContaining('is no bundle') as string });
  expect(await home.muster(...arguments_)).toMatchObject({ code: 4, stderr: expect.stringContaining('move it away') as string });
}, 120_000);
