/** Where an instance keeps its things: XDG on Linux, Application Support on macOS, AppData on Windows. */
import { tmpdir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { DefaultPaths } from '../config.ts';

export interface InstancePaths extends DefaultPaths {
  readonly configFile: string;
}

/** `HOME`, else what the system has on record: an empty or relative `HOME` would put keys wherever a command happens to be run. */
export function homeDirectory({ HOME }: NodeJS.ProcessEnv = process.env): string {
  return HOME && isAbsolute(HOME) ? HOME : userInfo().homedir;
}

/** `name` undefined = the default instance. `env` is the process environment. */
export function instancePaths(name: string | undefined, env: NodeJS.ProcessEnv = process.env): InstancePaths {
  const home = homeDirectory(env);
  const instance = name === undefined ? 'muster' : `muster-${name}`;
  const base = (variable: string, fallback: string) => (env[variable]?.startsWith('/') ? env[variable] : fallback);
  const data = { darwin: join(home, 'Library', 'Application Support'), win32: env['APPDATA'] ?? join(home, 'AppData', 'Roaming') }[
    process.platform as string
  ];
  return {
    home,
    configFile: join(data ?? base('XDG_CONFIG_HOME', join(home, '.config')), instance, 'config.toml'),
    dataDir: join(data ?? base('XDG_DATA_HOME', join(home, '.local', 'share')), instance),
    identityDir: join(home, name === undefined ? '.muster' : `.muster-${name}`),
    hostDirectory: base('XDG_RUNTIME_DIR', '') ? join(env['XDG_RUNTIME_DIR']!, 'muster') : join(tmpdir(), `muster-${userInfo().uid}`),
  };
}
