/** Nodes that run already, somewhere: the lab can talk to them and do nothing else. */
import type { CliCommand } from '../record/target-node.ts';
import { probeHealth } from '../world/health.ts';
import { nodeName } from './node-names.ts';
import type { Target } from './target.ts';

export interface RemoteNode {
  /** `http://host:port` of its local API */
  readonly url: string;
  readonly token: string;
}

const PROBE_MS = 5_000;

/** An address that is none, or at which there is no node that takes the token, or one that was given already. */
export class TargetAddressError extends Error {
  override readonly name = 'TargetAddressError';
}

/** @throws TargetAddressError for an address that is not `http://host:port` */
export function remoteTarget(nodes: readonly RemoteNode[], cli?: Pick<CliCommand, 'command' | 'args'>): Target {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: process.env['HOME'] ?? '/' };
  const known = nodes.map(({ url, token }, index) => ({
    name: nodeName(index),
    address: addressOf(url),
    token: token.trim(),
    cli: cli && { ...cli, env },
  }));
  return {
    implementation: known.map(({ address }) => address).join(', '),
    maxNodes: known.length,
    powers: ['dial'],
    surfaces: ['rest', 'client', 'sse', 'ws', ...(cli ? (['cli'] as const) : [])],
    reach: async () => {
      const agents = new Map<string, string>();
      for (const [index, node] of known.entries()) {
        const { url } = nodes[index]!;
        const agent = await agentAt(url, node.address, node.token);
        const before = agents.get(agent);
        if (before !== undefined) throw new TargetAddressError(`${before} and ${url} are the same agent; give each node once`);
        agents.set(agent, url);
      }
    },
    open: async (request) => ({
      nodes: known.slice(0, request.nodes),
      links: [],
      logs: [],
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
}

function addressOf(url: string): string {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address?.protocol !== 'http:' || address.pathname !== '/' || address.search !== '') {
    throw new TargetAddressError(`${url}: a target is given as http://host:port`);
  }
  return address.port === '' ? `${address.host}:80` : address.host;
}

/** The id of the agent that answers there. */
async function agentAt(url: string, address: string, token: string): Promise<string> {
  const health = await probeHealth(address, PROBE_MS);
  if (health.state !== 'healthy') {
    const what = health.state === 'broken' ? health.reason : health.state === 'refused' ? 'nobody listens there' : 'no answer';
    throw new TargetAddressError(`${url}: no node can be reached there (${what})`);
  }
  const answer = await fetch(`http://${address}/agent`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(PROBE_MS),
  }).catch((error: unknown) => {
    throw new TargetAddressError(`${url}: GET /agent got no answer`, { cause: error });
  });
  const body: unknown = await answer.json().catch(() => undefined);
  if (answer.status === 401 || answer.status === 403)
    throw new TargetAddressError(`${url}: the node does not take the token; give its own with --token-file`);
  if (typeof body !== 'object' || body === null || !('agent_id' in body) || typeof body.agent_id !== 'string')
    throw new TargetAddressError(`${url}: GET /agent (status ${answer.status}) names no agent`);
  return body.agent_id;
}
