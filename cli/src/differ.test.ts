/** `muster differ` on runs against nodes that do the same, and one that does not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prove, SABOTEURS, simulatedTarget, withBug } from '@muster/lab';
import { signerFromSeed } from '@muster/proof';
import { suites } from '@muster/suites';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { differ } from './differ.ts';
import { Failure } from './failure.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'muster-differ-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function bundle(name: string, seed: string, options: { readonly saboteur?: string; readonly realCrypto?: boolean } = {}): Promise<string> {
  const saboteur = SABOTEURS.find((one) => one.name === options.saboteur);
  const out = join(folder, name);
  await prove({
    suites,
    selection: { suites: ['smoke'], grep: '^smoke/(contacts|identity) ' },
    target: simulatedTarget({ seed, realCrypto: options.realCrypto ?? false, ...(saboteur && { compose: withBug(saboteur) }) }),
    out,
    runner: signerFromSeed(new Uint8Array(32).fill(7)),
    seed,
    tool: { name: 'muster', version: '0' },
    reproduce: 'muster prove',
  });
  return out;
}

/** Its exit code and what it printed. */
async function differing(one: string, other: string): Promise<readonly [number, string]> {
  let text = '';
  using _spied = vi.spyOn(process.stdout, 'write').mockImplementation((chunk: unknown, ...rest: unknown[]) => {
    text += String(chunk);
    (rest.at(-1) as (() => void) | undefined)?.();
    return true;
  });
  return [await differ({ one, other, json: false }), text];
}

test('two kinds of honest nodes do not differ; one with a bug does, and both answers are told', async () => {
  const [honest, alike, buggy] = [
    await bundle('honest', '7'),
    await bundle('alike', '7', { realCrypto: true }),
    await bundle('buggy', '7', { saboteur: 'wrong-status' }),
  ];
  const [same, nothing] = await differing(honest, alike);
  expect(nothing).toMatch(/^no divergence in \d{2} operations \(0 were made by one only\)\n$/);
  const [different, found] = await differing(honest, buggy);
  expect([same, different]).toEqual([0, 1]);
  expect(found).toMatch(
    /^operation \d+ of \d+ is answered differently, in status:\n {2}alice rest contacts\.addMachine \{.*\n(.*\n) {2}ok 200 .*\n\1 {2}ok 201 /,
  );
}, 120_000);

test('runs of other seeds are not compared', async () => {
  const refused = differ({ one: await bundle('seven', '7'), other: await bundle('eight', '8'), json: false });
  await expect(refused).rejects.toThrow(/cannot be compared: their seeds are 7 and 8/);
  await expect(refused).rejects.toMatchObject({ exitCode: 2 });
  await expect(refused).rejects.toBeInstanceOf(Failure);
}, 60_000);
