import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localTarget, ownDaemon, prove, type Selection, type Suite } from '@muster/lab';
import { type ProofReport, signerFromSeed } from '@muster/proof';
import { expect, onTestFinished, test } from 'vitest';
import { defence } from './defence/index.ts';
import { durability } from './durability/index.ts';
import { links } from './links/index.ts';

const musterd = fileURLToPath(new URL('../../cli/dist/musterd.js', import.meta.url));

/** Proves the suites on our own daemons, as built; nothing of it is left when the test is over. */
async function proven(suites: readonly Suite[], selection: Selection = {}): Promise<ProofReport> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-suites-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { report } = await prove({
    suites,
    selection,
    target: localTarget({ command: ownDaemon(musterd) }),
    out: join(folder, 'bundle'),
    runner: signerFromSeed(new Uint8Array(32).fill(7)),
    seed: '20261121',
    tool: { name: 'muster', version: '0' },
    reproduce: 'muster prove',
  });
  return report;
}

/** What did not pass, of what was run. */
function failures({ verdict }: ProofReport): string[] {
  return verdict.rows.filter(({ status }) => status !== 'pass' && status !== 'notrun').map(({ id, message }) => `${id}: ${message}`);
}

/** Requirements of the suites that no check exercised. */
function unexercised({ verdict }: ProofReport, suites: readonly Suite[]): string[] {
  const exercised = new Set(verdict.rows.filter((row) => row.exercised).map(({ requirement }) => requirement));
  return suites.flatMap(({ requirements }) => requirements.map(({ id }) => id)).filter((id) => !exercised.has(id));
}

test('what was acknowledged outlives kill -9 and restarts, and each requirement is really exercised', async () => {
  const report = await proven([durability]);
  expect(failures(report)).toEqual([]);
  expect(report.verdict.exitCode).toBe(0);
  expect(unexercised(report, [durability])).toEqual([]);
  expect(report.faults.length).toBeGreaterThanOrEqual(7);
  for (const { id, stages } of report.faults) expect(stages, id).toHaveProperty('bit');
}, 60_000);

test('a peer that breaks the rules gets nowhere', async () => {
  const report = await proven([defence], { grep: '^defence/(?!silence)' });
  expect(failures(report)).toEqual([]);
  expect(unexercised(report, [defence])).toEqual(['defence.silence']);
}, 60_000);

test('nodes find each other, at new ports too, work alone, and keep to their network', async () => {
  const report = await proven([links], { grep: '^links/(alone|late-joiner|isolation|killed)' });
  expect(failures(report)).toEqual([]);
  expect(unexercised(report, [links])).toEqual(['links.one-link', 'links.half-open-noticed', 'links.paused-noticed']);
}, 60_000);
