/** The arrows of docs/architecture.md are lint rules: a planted import against each of them must be seen, a right one must not. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
let tree: string;

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'muster-arrows-'));
  await cp(join(root, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
});
afterAll(() => rm(tree, { recursive: true, force: true }));

async function lint(files: Record<string, string>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  }
  const paths = Object.keys(files).map((path) => join(tree, path));
  try {
    return await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [oxlint, '-c', join(tree, '.oxlintrc.json'), ...paths], { cwd: tree }, (error, stdout) =>
        error && error.code === undefined ? reject(error) : resolve(error ? stdout : ''),
      );
    });
  } finally {
    for (const path of paths) await rm(path);
  }
}

const using = (specifier: string): string => `import { thing } from '${specifier}';\n\nexport const used = thing;\n`;

test.each([
  ['contract/src/a.ts', '@muster/protocol'],
  ['protocol/src/a.ts', '@muster/contract'],
  ['proof/src/a.ts', '@muster/lab'],
  ['client/src/a.ts', '@muster/node'],
  ['node/src/services/x/a.ts', '@muster/client'],
  ['node/src/engines/a.ts', '@muster/lab'],
  ['lab/src/a.ts', '@muster/suites'],
  ['suites/src/a.ts', '@muster/node'],
  ['bench/src/a.ts', '@muster/suites'],
  ['node/src/a.ts', '../../protocol/src/ids.ts'],
])('%s may not import %s', async (file, specifier) => {
  expect(await lint({ [file]: using(specifier) })).toContain('no-restricted-imports');
});

test.each(['node:fs', 'node:net', 'node:crypto', 'node:timers/promises', 'node:tls'])(
  'pure rooms and services may not import %s',
  async (specifier) => {
    for (const file of ['protocol/src/a.ts', 'node/src/services/x/a.ts', 'suites/src/a.ts', 'proof/src/a.ts']) {
      expect(await lint({ [file]: using(specifier) }), file).toContain('no-restricted-imports');
    }
  },
);

test.each([
  ['Date.now()', 'no-restricted-properties'],
  ['Math.random()', 'no-restricted-properties'],
  ['fetch("http://x")', 'no-restricted-globals'],
  ['setTimeout(() => {}, 1)', 'no-restricted-globals'],
])('services may not call %s', async (call, rule) => {
  expect(await lint({ 'node/src/services/x/a.ts': `export const value = ${call};\n` })).toContain(rule);
});

test('cycles are seen', async () => {
  const files = {
    'node/src/a.ts': "import { b } from './b.ts';\n\nexport const a = (): number => b();\n",
    'node/src/b.ts': "import { a } from './a.ts';\n\nexport const b = (): number => a();\n",
  };
  expect(await lint(files)).toContain('no-cycle');
});

test('what the arrows allow passes', async () => {
  expect(
    await lint({
      'node/src/services/x/a.ts': using('@muster/protocol'),
      'suites/src/a.ts': using('@muster/lab'),
      'cli/src/a.ts': using('@muster/suites'),
    }),
  ).toBe('');
});
