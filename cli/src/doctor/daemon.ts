/** The daemon of an instance: up, reachable, willing, and not alone. */
import { createServer, connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { readSecret, SecretFileError, splitHostPort, VERSION } from '@muster/node/host';
import { codeOf, messageOf } from '../failure.ts';
import { nameFlag } from '../instances.ts';
import { gravest, ok, type Patient, problem, problemOf, type Verdict, warning } from './finding.ts';

/** a busy machine may take seconds */
const ANSWER_MS = 5000;
const DIAL_MS = 2000;
const MIN_TOKEN_LENGTH = 32;
const REFUSED = 401;
const MAX_BOOTSTRAP_DIALS = 16;
const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/u;
const TOKEN_VARIABLES = ['X0X_API_TOKEN', 'MUSTER_API_TOKEN'];

export async function checkDaemon({ name, running, pid, address, config }: Patient): Promise<Verdict> {
  if (!running) {
    const killed = pid === undefined ? '' : `; the last one (pid ${pid}) was killed, which does no harm`;
    return problem(`it is not running${killed}`, `start it with: muster start${nameFlag(name)}`);
  }
  const who = `it runs (pid ${pid})`;
  const end = `see ${join(config.dataDir, 'musterd.log')}; if it stays so: kill ${pid}, then muster start${nameFlag(name)}`;
  if (address === undefined) return problem(`${who}, but its API is not up`, end);
  const health = await ask(address, '/health');
  if (health?.status !== 200) return problem(`${who}, but does not answer at ${address}`, end);
  const { status, version } = health.body as { status?: string; version?: string };
  if (status !== 'healthy') return warning(`${who}, but calls itself ${status}`, `see: muster status${nameFlag(name)}`);
  if (version !== VERSION) return warning(`${who} version ${version}, but this is ${VERSION}`, 'stop it and start it again');
  return ok(`${who}, healthy, at ${address}`);
}

/** The file, and whether the daemon takes what is in it. */
export async function checkToken({ config: { dataDir }, address, running }: Patient, env: NodeJS.ProcessEnv): Promise<Verdict> {
  const token = await tokenIn(dataDir);
  if (token instanceof SecretFileError) {
    if (token.code !== 'missing') return problemOf(token);
    if (running) return problem(token.message, 'stop the daemon and start it again: it makes another one');
    return ok('none yet: made at the first start');
  }
  if (token.length < MIN_TOKEN_LENGTH) return warning(`${join(dataDir, 'api-token')} is too short`, 'the next start replaces it');
  if (address === undefined) return ok(join(dataDir, 'api-token'));
  const variable = TOKEN_VARIABLES.find((each) => env[each]);
  if (variable !== undefined && (await statusWith(address, env[variable]!)) === REFUSED) {
    return problem(`the daemon refuses the token in ${variable}, which commands prefer`, `run: unset ${variable}`);
  }
  const status = await statusWith(address, token);
  if (status === REFUSED) return problem(`the daemon refuses the token in ${dataDir}`, 'stop the daemon and start it again');
  return ok(`${join(dataDir, 'api-token')}${status === 200 ? ', accepted by the daemon' : ''}`);
}

async function statusWith(address: string, token: string): Promise<number | undefined> {
  return (await ask(address, '/status', token))?.status;
}

async function tokenIn(dataDir: string): Promise<string | SecretFileError> {
  try {
    return Buffer.from(await readSecret(join(dataDir, 'api-token')))
      .toString('utf8')
      .trim();
  } catch (error) {
    if (error instanceof SecretFileError) return error;
    throw error;
  }
}

/** Ours while the daemon runs, otherwise free. */
export async function checkPorts({ config: { dataDir, apiAddress, bindAddress }, running, address }: Patient): Promise<Verdict> {
  const { host } = splitHostPort(address ?? apiAddress)!;
  const open = LOOPBACK.test(host)
    ? ok('')
    : warning(`the API is open to other machines at ${address ?? apiAddress}`, 'set api_address to 127.0.0.1:PORT, unless that is meant');
  if (running) {
    const status = address === undefined ? undefined : await askAs(dataDir, address, '/network/status');
    const { local_addr: peers = bindAddress } = status?.status === 200 ? (status.body as { local_addr?: string }) : {};
    return gravest(ok(`in use by the daemon: API ${address ?? 'not up'}, peers ${peers}`), open);
  }
  const [api, peers] = await Promise.all([free(apiAddress, 'api_address'), free(bindAddress, 'bind_address')]);
  return gravest(ok(`free: API ${apiAddress}, peers ${bindAddress}`), api, peers, open);
}

const WHY_NOT_FREE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program',
  EADDRNOTAVAIL: 'is no address of this machine',
  EACCES: 'is not allowed to this user',
};

async function free(address: string, key: string): Promise<Verdict> {
  const { host, port } = splitHostPort(address)!;
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    return ok(address);
  } catch (error) {
    return problem(`${address} ${WHY_NOT_FREE[codeOf(error) ?? ''] ?? `cannot be used (${messageOf(error)})`}`, `free it, or change ${key}`);
  } finally {
    server.close();
  }
}

export async function checkPeers({ config, address }: Patient): Promise<Verdict> {
  if (address === undefined) return warning('not known while the daemon does not run');
  const answer = await askAs(config.dataDir, address, '/status');
  if (answer?.status !== 200) return warning('not known: the daemon does not say');
  const { peers = 0, warnings = [] } = answer.body as { peers?: number; warnings?: readonly string[] };
  if (peers > 0) return ok(`linked to ${peers}`);
  const alone = warnings.length > 0 ? `none (${warnings.join('; ')})` : 'none';
  const lan = config.lanDiscovery && !LOOPBACK.test(splitHostPort(config.bindAddress)!.host);
  if (config.bootstrapPeers.length === 0) {
    const others = lan ? 'on this host or its LAN' : 'on this host';
    return warning(`${alone}: nobody of network ${JSON.stringify(config.networkName)} is ${others}`, 'start another node, or set bootstrap_peers');
  }
  const dialled = config.bootstrapPeers.slice(0, MAX_BOOTSTRAP_DIALS);
  const reached = await Promise.all(dialled.map(reachable));
  if (reached.includes(true)) {
    return warning(`${alone}, although a bootstrap peer can be reached`, 'is its network_id another one? is this machine revoked there?');
  }
  return problem(`${alone}: no bootstrap peer can be reached (${dialled.join(', ')})`, 'check the network, the firewall, and bootstrap_peers');
}

async function reachable(address: string): Promise<boolean> {
  const { host, port } = splitHostPort(address)!;
  const socket = connectTcp({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(DIAL_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

/** With the token that lies in the data directory. */
async function askAs(dataDir: string, address: string, path: string): Promise<{ status: number; body: unknown } | undefined> {
  const token = await tokenIn(dataDir);
  return token instanceof SecretFileError ? undefined : ask(address, path, token);
}

async function ask(address: string, path: string, token?: string): Promise<{ status: number; body: unknown } | undefined> {
  try {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`http://${address}${path}`, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
    return { status: response.status, body: (await response.json()) as unknown };
  } catch {
    // Whatever stands in the way, nothing answered that could be used.
    return undefined;
  }
}
