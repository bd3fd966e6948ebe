import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { launchdPlist, systemdUnit } from './service-file.ts';

const MUSTERD = '/opt/muster/cli/dist/musterd.js';

it('restarts the daemon when it failed, unless its configuration is bad', () => {
  const unit = systemdUnit({ name: 'alice', command: ['/usr/bin/node', MUSTERD, '--name', 'alice'], environment: { XDG_DATA_HOME: '/d' } });
  const lines = unit.split('\n');
  for (const line of [
    'Description=Muster daemon (alice)',
    'Environment="XDG_DATA_HOME=/d"',
    `ExecStart="/usr/bin/node" "${MUSTERD}" "--name" "alice"`,
    'Restart=on-failure',
    'RestartPreventExitStatus=78',
    'WantedBy=default.target',
  ])
    expect(lines).toContain(line);
});

it('quotes whatever may be in a path', () => {
  const unit = systemdUnit({ name: undefined, command: ['/a b/$x/node', '/100%/c\\d/$HOME"\n'], environment: {} });
  expect(unit).toContain(String.raw`ExecStart="/a b/$x/node" "/100%%/c\\d/$$HOME\"\x0a"`);
});

it('starts a program whose path systemd would refuse through the shell', () => {
  const unit = systemdUnit({ name: undefined, command: ['/it"s/node', '/m.js'], environment: {} });
  expect(unit).toContain(String.raw`ExecStart="/bin/sh" "-c" "exec \"$$0\" \"$$@\"" "/it\"s/node" "/m.js"`);
});

/** systemd's own way of reading a line, in the order of its manual: words, escapes, specifiers, variables. */
function readByManual(line: string): string[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"/gu) ?? [];
  return words.map((word, index) => {
    const plain = word
      .slice(1, -1)
      .replace(/\\(x[0-9a-f]{2}|.)/gu, (_, escape: string) =>
        escape.length === 3 ? String.fromCharCode(Number.parseInt(escape.slice(1), 16)) : escape,
      )
      .replaceAll('%%', '%');
    return index === 0 ? plain : plain.replaceAll('$$', '$');
  });
}

it('is read back as the words it was made of', () => {
  const path = fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '\\', '%', '$', '{', '\n', '\t', 'é', ';', '#', '/'), maxLength: 12 });
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 4 }), (rest) => {
      const command = rest.map((word) => `/${word}`);
      const line = systemdUnit({ name: undefined, command, environment: {} }).match(/^ExecStart=(.*)$/mu)![1]!;
      expect(readByManual(line).slice(-command.length)).toEqual(command);
    }),
    { seed: 20261121 },
  );
});

it('writes the same for launchd', () => {
  const plist = launchdPlist('muster-alice', { name: 'alice', command: ['/a&b/node', '/<c>"'], environment: { XDG_DATA_HOME: '/d' } });
  expect(plist).toContain('<key>Label</key>\n  <string>muster-alice</string>');
  expect(plist).toContain('    <string>/a&amp;b/node</string>\n    <string>/&lt;c&gt;&quot;</string>\n');
  expect(plist).toContain('<key>SuccessfulExit</key>\n    <false/>');
  expect(plist).toContain('<key>XDG_DATA_HOME</key>\n    <string>/d</string>');
});
