import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createHome, type NodeHome } from './node-home.ts';
import { Tokens } from './tokens.ts';

const TOKEN = '0123456789abcdef';

async function homes(...names: string[]): Promise<NodeHome[]> {
  const directory = await mkdtemp(join(tmpdir(), 'muster-tokens-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return Promise.all(names.map((name) => createHome(join(directory, name), '/usr/bin:/bin')));
}

test('a token is found in what any node says as soon as it was written, whether its daemon answers or not, and in all later lives', async () => {
  const [alice, bob] = await homes('alice', 'bob');
  const tokens = new Tokens();
  for (const home of [alice!, bob!]) tokens.expect(home);
  tokens.known(alice!, 'of alice herself');
  expect(tokens.text(`bob: ${TOKEN}`)).toBe(`bob: ${TOKEN}`);
  await writeFile(join(bob!.dataDir, 'api-token'), TOKEN);
  expect(tokens.text(`bob: ${TOKEN}`)).toBe('bob: [secret]');
  tokens.known(bob!, TOKEN);
  tokens.expect(bob!);
  await writeFile(join(bob!.dataDir, 'api-token'), 'another one');
  expect(tokens.text(`once ${TOKEN}, now another one of alice herself`)).toBe('once [secret], now [secret] [secret]');
});

test('one that is being written is no word that is taken out of everything', async () => {
  const [alice] = await homes('alice');
  const tokens = new Tokens();
  tokens.expect(alice!);
  await writeFile(join(alice!.dataDir, 'api-token'), 'link');
  expect(tokens.text('INFO link up')).toBe('INFO link up');
});
