/** The text of a user service: a systemd unit, or a launchd property list. */

/** In every file that this program writes, so that it never replaces anybody else's. */
export const MARK = 'Written by: muster autostart';

export interface Service {
  /** of the instance */
  readonly name: string | undefined;
  /** program and arguments, absolute paths */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** EX_CONFIG: a bad configuration does not get better by trying again. */
const BAD_CONFIGURATION = 78;

/** systemd.service(5). */
export function systemdUnit({ name, command, environment }: Service): string {
  // systemd refuses such characters in the path of a program, however they are quoted.
  const [program, ...rest] = /["'\\\p{Cc}]/u.test(command[0]!) ? ['/bin/sh', '-c', 'exec "$0" "$@"', ...command] : command;
  return [
    `# ${MARK}${name === undefined ? '' : ` --name ${name}`}`,
    '[Unit]',
    `Description=Muster daemon${name === undefined ? '' : ` (${name})`}`,
    'StartLimitIntervalSec=60',
    'StartLimitBurst=5',
    '',
    '[Service]',
    ...Object.entries(environment).map(([key, value]) => `Environment=${systemdQuoted(`${key}=${value}`)}`),
    // Variables are replaced in arguments, but not in the path of the program.
    `ExecStart=${[systemdQuoted(program!), ...rest.map((word) => systemdQuoted(word).replaceAll('$', '$$$$'))].join(' ')}`,
    'Restart=on-failure',
    'RestartSec=2',
    `RestartPreventExitStatus=${BAD_CONFIGURATION}`,
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

/** One word: quotes, escapes, and no specifiers (systemd.syntax(7), systemd.unit(5)). */
function systemdQuoted(word: string): string {
  const escaped = word
    .replace(/["\\]/gu, String.raw`\$&`)
    .replaceAll('%', '%%')
    // oxlint-disable-next-line no-control-regex
    .replace(/[\u0000-\u001f\u007f]/gu, (character) => String.raw`\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `"${escaped}"`;
}

/** launchd.plist(5). */
export function launchdPlist(label: string, { command, environment }: Service): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${MARK} -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xml(label)}</string>
  <key>ProgramArguments</key>
  <array>
${command.map((word) => `    <string>${xml(word)}</string>`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${Object.entries(environment)
  .map(([key, value]) => `    <key>${xml(key)}</key>\n    <string>${xml(value)}</string>\n`)
  .join('')}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
</dict>
</plist>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const xml = (text: string): string => text.replace(/[&<>"]/gu, (character) => ENTITIES[character]!);
