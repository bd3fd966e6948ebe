import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@muster/client';
import { type Daemon, nodeCrypto, readConfig, runDaemon } from '@muster/node';
import { type NetworkId, toHex, utf8Bytes } from '@muster/protocol';
import { onTestFinished } from 'vitest';
import type { TargetNode } from '../record/target-node.ts';

const NETWORK_NAME = 'lab.test';
/** what a daemon makes of the network's name */
export const TEST_NETWORK = toHex(nodeCrypto().sha256(utf8Bytes(NETWORK_NAME))) as NetworkId;

export interface TestDaemon {
  readonly daemon: Daemon;
  readonly client: Client;
  readonly target: TargetNode;
}

/** A real node in this process, gone with the test. */
export async function startDaemon(bootstrapPeers: readonly string[] = [], name = 'alice'): Promise<TestDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'muster-lab-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const toml = [
    `network_id = "${NETWORK_NAME}"`,
    'api_address = "127.0.0.1:0"',
    'bind_address = "127.0.0.1:0"',
    'lan_discovery = false',
    `bootstrap_peers = ${JSON.stringify(bootstrapPeers)}`,
  ].join('\n');
  const paths = {
    home: directory,
    dataDir: join(directory, 'data'),
    identityDir: join(directory, 'identity'),
    hostDirectory: join(directory, 'host'),
  };
  const daemon = await runDaemon({ config: readConfig(toml, 'test.toml', paths), log: { write: () => undefined } });
  const token = readFileSync(join(paths.dataDir, 'api-token'), 'utf8').trim();
  const client = createClient({ baseUrl: `http://${daemon.apiAddress}`, token });
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });
  return { daemon, client, target: { name, address: daemon.apiAddress, token } };
}
