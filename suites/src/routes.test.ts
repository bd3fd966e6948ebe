import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localTarget, ownDaemon, prove } from '@muster/lab';
import { signerFromSeed } from '@muster/proof';
import { expect, onTestFinished, test } from 'vitest';
import { routes } from './routes/index.ts';

const musterd = fileURLToPath(new URL('../../cli/dist/musterd.js', import.meta.url));

test('direct messages reach those without a link, once and unread by others, and each requirement is really exercised', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-suites-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { report } = await prove({
    suites: [routes],
    target: localTarget({ command: ownDaemon(musterd) }),
    out: join(folder, 'bundle'),
    runner: signerFromSeed(new Uint8Array(32).fill(7)),
    seed: '20261121',
    tool: { name: 'muster', version: '0' },
    reproduce: 'muster prove',
  });
  const { rows, exitCode } = report.verdict;
  expect(rows.filter(({ status }) => status !== 'pass').map(({ id, message }) => `${id}: ${message}`)).toEqual([]);
  expect(exitCode).toBe(0);
  const exercised = new Set(rows.filter((row) => row.exercised).map(({ requirement }) => requirement));
  expect(routes.requirements.map(({ id }) => id).filter((id) => !exercised.has(id))).toEqual([]);
}, 90_000);
