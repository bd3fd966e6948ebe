import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crowdedDaemons, localTarget, ownDaemon, prove, type Selection, type Suite } from '@muster/lab';
import { type ProofReport, signerFromSeed } from '@muster/proof';
import { expect, onTestFinished, test } from 'vitest';
import { overlay } from './overlay/index.ts';
import { slowConsumer } from './slow-consumer/index.ts';

const musterd = fileURLToPath(new URL('../../cli/dist/musterd.js', import.meta.url));

async function proven(suite: Suite, selection: Selection = {}): Promise<ProofReport> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-suites-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { report } = await prove({
    suites: [suite],
    selection,
    target: localTarget({ command: ownDaemon(musterd), crowd: crowdedDaemons() }),
    out: join(folder, 'bundle'),
    runner: signerFromSeed(new Uint8Array(32).fill(7)),
    seed: '20261121',
    tool: { name: 'muster', version: '0' },
    reproduce: 'muster prove',
  });
  return report;
}

function failures({ verdict }: ProofReport): string[] {
  return verdict.rows.filter(({ status }) => status !== 'pass' && status !== 'notrun').map(({ id, message }) => `${id}: ${message}`);
}

function unexercised({ verdict }: ProofReport, { requirements }: Suite): string[] {
  const exercised = new Set(verdict.rows.filter((row) => row.exercised).map(({ requirement }) => requirement));
  return requirements.map(({ id }) => id).filter((id) => !exercised.has(id));
}

test('messages reach all who listen across nodes that do not, after a pause too, and hostile neighbours get nowhere', async () => {
  // Thirty nodes want a machine of their own: `muster prove --suite overlay`.
  const report = await proven(overlay, { grep: '^overlay/(interest|away|hostile)' });
  expect(failures(report)).toEqual([]);
  expect(unexercised(report, overlay)).toEqual(['overlay.whole', 'overlay.burst', 'overlay.interest', 'overlay.healed', 'overlay.unmissed']);
}, 120_000);

test('who does not read costs nobody else anything, and is told what it lost', async () => {
  const report = await proven(slowConsumer);
  expect(failures(report)).toEqual([]);
  expect(unexercised(report, slowConsumer)).toEqual([]);
}, 120_000);
