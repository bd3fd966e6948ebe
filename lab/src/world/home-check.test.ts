import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { checkHome } from './home-check.ts';
import { createHome } from './node-home.ts';

test('torn files are found, and looking changes nothing', async () => {
  const root = await mkdtemp(join(tmpdir(), 'muster-home-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const home = await createHome(root, '/bin');
  const file = join(home.dataDir, 'node.sqlite');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x); BEGIN');
  for (let i = 0; i < 2_000; i++) database.exec(`INSERT INTO t VALUES ('${'x'.repeat(100)}')`);
  database.exec('COMMIT');
  database.close();
  await writeFile(join(home.home, 'agent.key'), 'key');
  await writeFile(join(home.dataDir, 'musterd.lock'), '');
  expect(await checkHome(home)).toEqual({ files: 3, empty: [], databases: [{ file: 'data/node.sqlite', integrity: 'ok' }] });

  await truncate(join(home.home, 'agent.key'), 0);
  await truncate(file, 20_000);
  const torn = await checkHome(home);
  expect(torn.empty).toEqual(['home/agent.key']);
  expect(torn.databases[0]?.integrity).not.toBe('ok');
});
