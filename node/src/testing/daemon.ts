/** Daemons for tests, driven through their API. Each has a home of its own; all end with the test. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../config.ts';
import { runDaemon } from '../daemon.ts';
import type { Daemon } from '../daemon.ts';
import { eventually } from './network.ts';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly [key: string]: any }; // oxlint-disable-line no-explicit-any -- answers are looked into by the tests
}

export const quiet = { write: () => {} };
export const base64 = (text: string): string => Buffer.from(text).toString('base64');

export class Api {
  readonly daemon: Daemon;
  readonly token: string;

  constructor(daemon: Daemon, token: string) {
    this.daemon = daemon;
    this.token = token;
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`http://${this.daemon.apiAddress}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    try {
      return { status: response.status, body: JSON.parse(text) as Answer['body'] };
    } catch {
      return { status: response.status, body: { text } };
    }
  }

  get agent(): string {
    return this.daemon.identity.agentId;
  }

  get machine(): string {
    return this.daemon.identity.machineId;
  }
}

/** Owns what one test starts. */
export class Daemons implements AsyncDisposable {
  readonly stack = new AsyncDisposableStack();

  async home(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'muster-daemon-'));
    this.stack.defer(() => rm(directory, { recursive: true, force: true }));
    return directory;
  }

  /** Daemons of one host directory and network find each other. */
  async start(at: string, host: string, toml = ''): Promise<Api> {
    const base = `bind_address = "127.0.0.1:0"\napi_address = "127.0.0.1:0"\nnetwork_id = "test"\n`;
    const config = readConfig(base + toml, 'config.toml', { home: at, dataDir: join(at, 'data'), identityDir: join(at, 'id'), hostDirectory: host });
    const daemon = await runDaemon({ config, log: quiet });
    this.stack.use(daemon);
    const token = (await readFile(join(at, 'data', 'api-token'), 'utf8')).trim();
    return new Api(daemon, token);
  }

  /** Two that are linked; `toml` is for the first. */
  async pair(toml = ''): Promise<[Api, Api]> {
    const root = await this.home();
    const host = join(root, 'host');
    const nodes: [Api, Api] = [await this.start(join(root, 'a'), host, toml), await this.start(join(root, 'b'), host)];
    const peers = async (node: Api): Promise<unknown[]> => (await node.call('GET', '/peers')).body['peers'];
    await eventually('they found each other', async () => (await peers(nodes[0])).length === 1 && (await peers(nodes[1])).length === 1);
    return nodes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stack.disposeAsync();
  }
}
