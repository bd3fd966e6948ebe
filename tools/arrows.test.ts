/** The arrows of docs/architecture.md are lint rules: a planted import against each of them must be seen, a right one must not. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
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
      execFile(
        process.execPath,
        [oxlint, '--format=unix', '-c', join(tree, '.oxlintrc.json'), ...paths],
        { cwd: tree, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout) => (error && error.code === undefined ? reject(error) : resolve(error ? stdout : '')),
      );
    });
  } finally {
    for (const path of paths) await rm(path);
  }
}

const using = (specifier: string): string => `import { thing } from '${specifier}';\n\nexport const used = thing;\n`;

/** docs/architecture.md: what each room may import. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  protocol: [],
  proof: [],
  client: ['contract'],
  node: ['contract', 'protocol'],
  lab: ['client', 'contract', 'protocol', 'proof', 'node'],
  suites: ['lab', 'proof', 'client', 'contract', 'protocol'],
  cli: ['contract', 'protocol', 'proof', 'client', 'node', 'lab', 'suites'],
  bench: ['lab', 'client', 'node'],
};
const rooms = Object.keys(arrows);

test('a room may import what its arrows allow, in sources and in tests, and nothing else', async () => {
  const planted: { path: string; text: string; allowed: boolean }[] = [];
  for (const [from, may] of Object.entries(arrows)) {
    for (const to of rooms.filter((room) => room !== from)) {
      for (const file of [`to-${to}.ts`, `to-${to}.test.ts`])
        planted.push({ path: `${from}/src/${file}`, text: using(`@muster/${to}`), allowed: may.includes(to) });
    }
  }
  for (const room of ['protocol/src', 'node/src/services/x', 'node/src/surfaces'])
    planted.push({ path: `${room}/around.ts`, text: using('../../../lab/src/index.ts'), allowed: false });
  const told = await lint(Object.fromEntries(planted.map(({ path, text }) => [path, text])));
  const seen = new Set(told.match(/[\w./-]+\.ts(?=:\d)/g)?.map((path) => relative(tree, resolve(tree, path))));
  expect(planted.filter(({ path }) => !seen.has(path)).map(({ path }) => path)).toEqual(
    planted.filter(({ allowed }) => allowed).map(({ path }) => path),
  );
  expect(told.match(/no-restricted-imports/g)).toHaveLength(planted.filter(({ allowed }) => !allowed).length);
});

test.each([
  ['node/src/services/x/a.ts', '../../engines/clock.ts'],
  ['node/src/services/x/a.ts', '../../node.ts'],
  ['node/src/services/x/a.ts', '../../surfaces/http/index.ts'],
  ['node/src/surfaces/http/a.ts', '../../services/contacts/handlers.ts'],
  ['node/src/surfaces/a.ts', '../engines/clock.ts'],
  ['node/src/ports/a.ts', '../engines/clock.ts'],
])('inside the node, %s may not import %s', async (file, specifier) => {
  expect(await lint({ [file]: using(specifier) })).toContain('no-restricted-imports');
});

test.each(['node:fs', 'node:net', 'node:crypto', 'node:timers/promises', 'node:tls'])(
  'pure rooms and services may not import %s',
  async (specifier) => {
    const files = ['protocol/src/a.ts', 'contract/src/a.ts', 'node/src/services/x/a.ts', 'suites/src/a.ts', 'proof/src/a.ts'];
    const told = await lint(Object.fromEntries(files.map((file) => [file, using(specifier)])));
    expect(told.match(/no-restricted-imports/g)).toHaveLength(files.length);
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

test('inside the node, services use ports and surfaces use handlers', async () => {
  const files = { 'node/src/services/x/a.ts': using('../../ports/index.ts'), 'node/src/surfaces/http/a.ts': using('../../ports/handlers.ts') };
  expect(await lint(files)).toBe('');
});
