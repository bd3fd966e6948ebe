import { expect, it } from 'vitest';
import { FlagError, parseFlags } from './musterd-flags.ts';

it('reads what the compatible daemon reads', () => {
  const args = ['--config', 'a.toml', '--name', 'alice', '--api-port', '0', '--no-hard-coded-bootstrap', '--exec-acl', '/x', '--skip-update-check'];
  expect(parseFlags(args)).toEqual({ action: 'run', config: 'a.toml', name: 'alice', apiPort: 0, noBootstrap: true, warnings: [] });
  expect(parseFlags(['--config=b.toml', '--api-port=12700'])).toMatchObject({ config: 'b.toml', apiPort: 12_700, noBootstrap: false });
});

it.each([
  ['--version', 'version'],
  ['-V', 'version'],
  ['-h', 'help'],
  ['--check', 'check'],
  ['--list', 'list'],
  ['--check-updates', 'check-updates'],
  ['doctor', 'doctor'],
])('%s asks for %s', (flag, action) => expect(parseFlags([flag]).action).toBe(action));

it('names what it ignores', () => {
  expect(parseFlags(['--frobnicate', '7', '--no-bootstrap'])).toMatchObject({
    action: 'run',
    noBootstrap: true,
    warnings: [
      'unknown argument ignored: "--frobnicate"',
      'unknown argument ignored: "7"',
      '--no-bootstrap is deprecated; use --no-hard-coded-bootstrap',
    ],
  });
});

it.each([[['--name']], [['--config=']], [['--api-port', '70000']], [['--api-port', 'x']], [['--api-port', '-1']]])('refuses %j', (args) => {
  expect(() => parseFlags(args)).toThrow(FlagError);
});
