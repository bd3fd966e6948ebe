/** Finds and reads the configuration file of an instance. */
import { open } from 'node:fs/promises';
import { type Config, ConfigError, instanceNameOf, instancePaths, type Overrides, readConfig } from '@muster/node/host';
import { codeOf, messageOf } from './failure.ts';

const MAX_CONFIG_BYTES = 1_048_576;

export interface ConfigRequest extends Overrides {
  /** must exist; without it the instance's own file is read when there is one */
  readonly file?: string | undefined;
}

/** Throws `ConfigError`, one line that names the file and the key. */
export async function loadConfig(request: ConfigRequest): Promise<Config> {
  const file = request.file ?? instancePaths(request.name).configFile;
  const text = await readText(file, request.file !== undefined);
  const name = instanceNameOf(text, file, request);
  return readConfig(text, file, instancePaths(name), request);
}

/** As `loadConfig`, but a file that cannot be used is told in `error`, and the defaults stand in. Throws `ConfigError` for a bad name only. */
export async function loadConfigOrDefaults(request: ConfigRequest): Promise<{ config: Config; error: string | undefined }> {
  const defaults = readConfig('', 'defaults', instancePaths(request.name), request);
  try {
    return { config: await loadConfig(request), error: undefined };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: defaults, error: error.message };
  }
}

async function readText(file: string, required: boolean): Promise<string> {
  try {
    await using handle = await open(file);
    const stats = await handle.stat();
    if (!stats.isFile()) throw new ConfigError(`${file}: not a regular file; correct --config`);
    const bytes = Buffer.alloc(MAX_CONFIG_BYTES + 1);
    const { bytesRead } = await handle.read(bytes);
    if (bytesRead > MAX_CONFIG_BYTES) throw new ConfigError(`${file}: larger than ${MAX_CONFIG_BYTES} bytes; correct or remove the file`);
    return bytes.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = codeOf(error);
    if (code === 'ENOENT' && !required) return '';
    if (code === 'ENOENT') throw new ConfigError(`${file}: no such file; correct --config`);
    throw new ConfigError(`${file}: cannot read the configuration (${code ?? messageOf(error)}); make it readable or set --config`);
  }
}
