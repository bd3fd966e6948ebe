/** What starts services of a user here: systemd, launchd, or nothing that is known. */
import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { homeDirectory } from '@muster/node/host';
import { launchdPlist, type Service, systemdUnit } from './service-file.ts';

export interface ServiceManager {
  /** where the file of an instance is */
  readonly file: (name: string | undefined) => string;
  readonly text: (service: Service) => string;
  /** the folder of those files, and which names are ours */
  readonly folder: string;
  readonly ours: RegExp;
  /** whether the manager can be reached from here */
  readonly works: () => boolean;
  /** `now`: and start it at once. Each command as its words. */
  readonly enabling: (name: string | undefined, now: boolean) => readonly (readonly string[])[];
  readonly disabling: (name: string | undefined) => readonly (readonly string[])[];
  /** once the file is gone */
  readonly forgetting: readonly (readonly string[])[];
  /** links that enabling made, for when the manager cannot be asked */
  readonly links: (name: string | undefined) => readonly string[];
  /** a hint for people */
  readonly note: string;
}

/** `undefined` where there is none. */
export function serviceManager(platform: string = process.platform, env: NodeJS.ProcessEnv = process.env): ServiceManager | undefined {
  const home = homeDirectory(env);
  if (platform === 'linux') return systemd(env['XDG_CONFIG_HOME']?.startsWith('/') ? env['XDG_CONFIG_HOME'] : join(home, '.config'));
  return platform === 'darwin' ? launchd(join(home, 'Library', 'LaunchAgents')) : undefined;
}

function systemd(configHome: string): ServiceManager {
  const folder = join(configHome, 'systemd', 'user');
  const unit = (name: string | undefined): string => `muster${name === undefined ? '' : `-${name}`}.service`;
  const systemctl = (...words: string[]): string[] => ['systemctl', '--user', ...words];
  return {
    folder,
    ours: /^muster(?:-([A-Za-z0-9][A-Za-z0-9-]*))?\.service$/u,
    file: (name) => join(folder, unit(name)),
    text: systemdUnit,
    works: () => succeeds(systemctl('show-environment')),
    enabling: (name, now) => [systemctl('daemon-reload'), systemctl('enable', ...(now ? ['--now'] : []), unit(name))],
    disabling: (name) => [systemctl('disable', '--now', unit(name))],
    forgetting: [systemctl('daemon-reload')],
    links: (name) => [join(folder, 'default.target.wants', unit(name))],
    note: 'it starts when you log in; to have it start with the machine: loginctl enable-linger',
  };
}

function launchd(folder: string): ServiceManager {
  const label = (name: string | undefined): string => `muster${name === undefined ? '' : `-${name}`}`;
  const file = (name: string | undefined): string => join(folder, `${label(name)}.plist`);
  const domain = `gui/${userInfo().uid}`;
  return {
    folder,
    ours: /^muster(?:-([A-Za-z0-9][A-Za-z0-9-]*))?\.plist$/u,
    file,
    text: (service) => launchdPlist(label(service.name), service),
    works: () => succeeds(['launchctl', 'print', domain]),
    // Loading starts it, now or at the next login.
    enabling: (name, now) => (now ? [['launchctl', 'bootstrap', domain, file(name)]] : []),
    disabling: (name) => [['launchctl', 'bootout', `${domain}/${label(name)}`]],
    forgetting: [],
    links: () => [],
    note: 'it starts when you log in',
  };
}

export function succeeds([program, ...args]: readonly string[]): boolean {
  return spawnSync(program!, args, { stdio: 'ignore', timeout: 30_000 }).status === 0;
}
