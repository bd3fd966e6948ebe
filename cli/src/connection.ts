/** Where the daemon of an instance answers, and the token it wants. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, ConnectionError, createClient } from '@muster/client';
import { loadConfig } from './daemon-config.ts';
import { codeOf, EXIT_NO_DAEMON, Failure } from './failure.ts';
import type { Globals } from './globals.ts';
import { readPort } from './instances.ts';

const LOOPBACK = /^http:\/\/(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)(?::\d+)?$/u;

export type Target = Pick<Globals, 'name' | 'api'>;

/** A client of the instance. @throws Failure with exit code 2 when the instance is not running */
export async function connect(target: Target): Promise<Client> {
  let dataDir: string | undefined;
  const directory = async (): Promise<string> => (dataDir ??= (await loadConfig({ name: target.name })).dataDir);
  const baseUrl = target.api ?? (await ownAddress(await directory(), target));
  const given = process.env['X0X_API_TOKEN'] || process.env['MUSTER_API_TOKEN'];
  // The instance's own token is a secret of this machine.
  const token = given || (LOOPBACK.test(baseUrl) ? await readToken(await directory()) : undefined);
  return createClient({ baseUrl, ...(token && { token }) });
}

/** A client of the daemon of this data directory, with the token that lies there. @throws Failure when it is not running */
export async function connectTo(dataDir: string): Promise<Client> {
  const [baseUrl, token] = await Promise.all([ownAddress(dataDir, { name: undefined, api: undefined }), readToken(dataDir)]);
  return createClient({ baseUrl, ...(token && { token }) });
}

/** `http://host:port` of the instance's API, or of the one that was named. @throws Failure with exit code 2 when it is not running */
export async function addressOf(target: Target): Promise<string> {
  return target.api ?? (await ownAddress((await loadConfig({ name: target.name })).dataDir, target));
}

async function ownAddress(dataDir: string, target: Target): Promise<string> {
  const address = await readPort(join(dataDir, 'api.port'));
  if (address === undefined) throw notRunning(target);
  return `http://${address}`;
}

async function readToken(dataDir: string): Promise<string | undefined> {
  const file = join(dataDir, 'api-token');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new Failure(`cannot read the API token in ${file} (${codeOf(error)}); make it readable or set MUSTER_API_TOKEN`);
  }
}

function notRunning({ name, api }: Target): Failure {
  if (api !== undefined) return new Failure(`no daemon answers at ${api}`, EXIT_NO_DAEMON);
  const start = name === undefined ? 'muster start' : `muster start --name ${name}`;
  const which = name === undefined ? 'the daemon' : `the daemon ${JSON.stringify(name)}`;
  return new Failure(`${which} is not running; start it with: ${start}`, EXIT_NO_DAEMON);
}

/** What a failed exchange means to the user. */
export function explain(error: unknown, target: Target): unknown {
  if (!(error instanceof ConnectionError)) return error;
  return error.sent ? new Failure(error.message) : notRunning(target);
}
