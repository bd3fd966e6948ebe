import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localTarget, ownDaemon, prove } from '@muster/lab';
import { signerFromSeed } from '@muster/proof';
import { expect, onTestFinished, test } from 'vitest';
import { presence } from './presence/index.ts';

const built = (entry: string): string => fileURLToPath(new URL(`../../cli/dist/${entry}.js`, import.meta.url));

test('who is there is seen, and who is not, in time and through loss, and each requirement is really exercised', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-suites-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  // Each scenario waits for deadlines in a world of its own: they wait together.
  const reports = await Promise.all(
    presence.scenarios.map(async ({ id }) => {
      const { report } = await prove({
        suites: [presence],
        selection: { grep: `^${id} ` },
        target: localTarget({ command: ownDaemon(built('musterd')), cli: { command: process.execPath, args: [built('muster')] } }),
        out: join(folder, id.replace('/', '-')),
        runner: signerFromSeed(new Uint8Array(32).fill(7)),
        seed: '20261121',
        tool: { name: 'muster', version: '0' },
        reproduce: 'muster prove',
      });
      return report;
    }),
  );
  const rows = reports.flatMap(({ verdict }) => verdict.rows).filter(({ status }) => status !== 'notrun');
  expect(rows.filter(({ status }) => status !== 'pass').map(({ id, message }) => `${id}: ${message}`)).toEqual([]);
  const exercised = new Set(rows.filter((row) => row.exercised).map(({ requirement }) => requirement));
  expect(presence.requirements.map(({ id }) => id).filter((id) => !exercised.has(id))).toEqual([]);
}, 120_000);
