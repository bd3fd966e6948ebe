import { spawnSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SABOTEURS } from '@muster/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completions, completionScript, SHELLS } from './completion.ts';
import { buildProgram } from './program.ts';
import { OwnHome } from './testing/own-home.ts';

const words = async (...typed: string[]): Promise<string[]> => (await completions(buildProgram().command, typed)).map(({ word }) => word);

describe('completion', () => {
  it('offers commands, then what is below them', async () => {
    expect(await words('he')).toEqual(['health', 'help']);
    expect(await words('contacts', '')).toEqual(expect.arrayContaining(['add', 'list', 'remove', 'revoke']));
    expect(await words('--json', '--name', 'alice', 'contacts', 'l')).toEqual(['list']);
    expect(await words('')).not.toContain('__complete');
    expect(await words('')).not.toContain('constitution');
  });

  it('offers options, and the words they take', async () => {
    expect(await words('contacts', 'add', '--t')).toEqual(['--trust']);
    expect(await words('contacts', 'add', '--')).toEqual(expect.arrayContaining(['--trust', '--label', '--json', '--name', '--help']));
    expect(await words('contacts', 'add', '--trust', '')).toEqual(['blocked', 'unknown', 'known', 'trusted']);
    expect(await words('--format', 'j')).toEqual(['json']);
    expect(await words('trust', 'set', '--api', '')).toEqual([]);
  });

  it('offers the suites and the planted bugs that there are, as many as are wanted', async () => {
    expect(await words('prove', '--suite', 'st')).toEqual(['stress']);
    expect(await words('prove', '--suite', 'smoke', 'me')).toEqual(['mesh']);
    expect(await words('prove', '--suite', 'smoke', '--gr')).toEqual(['--grep']);
    const bugs = SABOTEURS.map(({ name }) => name);
    expect(await words('oracles', '--saboteur', '')).toEqual(bugs);
  });

  it('offers the words of a positional argument', async () => {
    expect(await words('trust', 'set', '')).toEqual([]);
    expect(await words('trust', 'set', 'abc', 'tr')).toEqual(['trusted']);
    expect(await words('completion', '')).toEqual([...SHELLS]);
  });
});

describe('in a shell', () => {
  let home: OwnHome;
  beforeAll(async () => {
    home = await OwnHome.create();
    await home.configure('alice');
    const main = fileURLToPath(new URL('muster.ts', import.meta.url));
    await writeFile(join(home.root, 'muster'), `#!/bin/sh\nexec "${process.execPath}" --conditions=muster-source "${main}" "$@"\n`);
    await chmod(join(home.root, 'muster'), 0o755);
  });
  afterAll(() => home[Symbol.asyncDispose]());

  const lines: readonly (readonly [line: string, offered: readonly string[]])[] = [
    ['muster contacts add x --trust b', ['blocked']],
    ['muster prove --suite smo', ['smoke']],
    [`muster oracles --saboteur ${SABOTEURS[0]!.name}`, [SABOTEURS[0]!.name]],
    ['muster health --name a', ['alice']],
  ];
  /** What prints the completions of every line, one on each output line. */
  const scripts: Readonly<Record<(typeof SHELLS)[number], string>> = {
    bash: `set -eu; source <(muster completion bash)
      complete -p muster | grep -q _muster_complete || exit 9
      ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _muster_complete; printf '%s\\n' "\${COMPREPLY[@]}"; }`,
    // Only the editor of a terminal has a place for completions: what zsh would put there is printed instead.
    zsh: `set -e; autoload -U compinit && compinit -u -D; source <(muster completion zsh)
      [[ $_comps[muster] == _muster ]] || exit 9
      _describe() { print -l -- "\${(@P)2}" }; _files() { print files }
      ask() { words=("$@"); CURRENT=$#; _muster }`,
    fish: `muster completion fish | source
      function ask; complete -C "$argv"; end`,
  };

  it.each(SHELLS)('the script for %s offers them', { timeout: 60_000 }, (shell) => {
    if (spawnSync(shell, ['-c', '']).status !== 0) {
      // Where the shell is not, its script can only be read.
      expect(completionScript(shell)).toMatch(/__complete -- .*2>\/dev\/null/);
      return;
    }
    const env = { ...home.env, PATH: `${home.root}:${process.env['PATH']}` };
    const script = [scripts[shell], ...lines.map(([line]) => `ask ${line}`)].join('\n');
    const { status, stdout, stderr } = spawnSync(shell, ['-c', script], { encoding: 'utf8', env });
    const offered = stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/\t.*/u, ''));
    expect({ status, stderr, offered }).toEqual({ status: 0, stderr: '', offered: lines.flatMap(([, words_]) => words_) });
  });
});

it.each(SHELLS)('the script for %s asks the program that is being completed', (shell) => {
  const script = completionScript(shell);
  expect(script).toContain('__complete --');
  expect(script).not.toContain('undefined');
});
