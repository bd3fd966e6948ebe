/** Measurements of running daemons, ours or any with compatible flags, over their local API only. */
import { readFile } from 'node:fs/promises';
import { createClient } from '@muster/client';
import type { Client } from '@muster/client';
import { eventually, startLocalWorld, systemClock } from '@muster/lab';
import type { DaemonCommand, LocalNode, LocalWorld } from '@muster/lab';
import { pool } from './measure.ts';

const LINKED_MS = 10_000;

export interface BenchWorld extends AsyncDisposable {
  readonly nodes: readonly LocalNode[];
  readonly clients: readonly Client[];
  readonly agents: readonly string[];
}

/** Boots `count` daemons and waits until each is linked to all others. */
export function openWorld(command: DaemonCommand, count: number): Promise<BenchWorld> {
  return open(command, count, 'host-directory', async (clients) => {
    const peers = await Promise.all(clients.map((client) => client.network.peers()));
    return peers.every((list) => list.peers.length >= count - 1);
  });
}

/** Boots three daemons, each linked to the next only, and waits until the ends know each other. */
export function openLine(command: DaemonCommand): Promise<BenchWorld> {
  return open(command, 3, 'line', async (clients, agents) => {
    const knows = async (at: number, other: number): Promise<boolean> =>
      (await clients[at]!.discovery.agents({})).agents.some(({ agent_id }) => agent_id === agents[other]);
    const connected = (await clients[1]!.network.peers()).peers.length === 2;
    return connected && (await knows(0, 2)) && (await knows(2, 0));
  });
}

async function open(
  command: DaemonCommand,
  count: number,
  wiring: 'host-directory' | 'line',
  ready: (clients: readonly Client[], agents: readonly string[]) => Promise<boolean>,
): Promise<BenchWorld> {
  const names = Array.from({ length: count }, (_, index) => `bench-${index + 1}`);
  const world: LocalWorld = await startLocalWorld({ command, nodes: names, wiring });
  const clients = world.nodes.map((node) => createClient({ baseUrl: `http://${node.address}`, token: node.token }));
  const dispose = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    await world[Symbol.asyncDispose]();
  };
  try {
    const agents = (await Promise.all(clients.map((client) => client.identity.get()))).map(({ agent_id }) => agent_id);
    await eventually(systemClock, () => ready(clients, agents), { within: LINKED_MS, what: 'the daemons have met' });
    return { nodes: world.nodes, clients, agents, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Publishes from the first node until every other node's event stream has all of it: messages per second, all receivers done. */
export async function publishToStreams(world: BenchWorld, messages: number, payloadBytes: number): Promise<number> {
  const [publisher, ...receivers] = world.clients;
  const topic = `bench.${crypto.randomUUID()}`;
  const streams = receivers.map((receiver) => receiver.messaging.events());
  try {
    await Promise.all(streams.map((stream) => stream.opened));
    const subscriptions = await Promise.all(receivers.map((receiver) => receiver.messaging.subscribe({ topic })));
    const reading = streams.map(async (stream) => {
      let left = messages;
      for await (const { data } of stream) if (data.data.topic === topic && --left === 0) return;
    });
    const payload = Buffer.alloc(payloadBytes, 7).toString('base64');
    const start = performance.now();
    await pool(messages, 32, async () => void (await publisher!.messaging.publish({ topic, payload })));
    await Promise.all(reading);
    const rate = messages / ((performance.now() - start) / 1_000);
    await Promise.all(receivers.map((receiver, index) => receiver.messaging.unsubscribe({ id: subscriptions[index]!.subscription_id })));
    return rate;
  } finally {
    for (const stream of streams) stream.close();
  }
}

/** ms of each of `count` direct messages from the first node to another, one after the other, committed by the recipient; throws when one takes another path. */
export async function directMessages(world: BenchWorld, count: number, payloadBytes: number, to = 1, path?: string): Promise<number[]> {
  const payload = Buffer.alloc(payloadBytes, 7).toString('base64');
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    const sent = await world.clients[0]!.direct.send({ agent_id: world.agents[to]!, payload });
    times.push(performance.now() - start);
    if (path !== undefined && sent.path !== path) throw new Error(`a direct message went by ${sent.path}, not ${path}`);
  }
  return times;
}

/** ms from exec until `/health` answers, and resident MB once the first announcements are over. */
export async function startUp(command: DaemonCommand): Promise<{ readonly healthMs: number; readonly residentMb: number }> {
  await using world = await startLocalWorld({ command, nodes: ['bench'] });
  const { pid } = world.nodes[0]!.process;
  await systemClock.sleep(1_000);
  return { healthMs: world.bootMs, residentMb: await residentMb(pid) };
}

async function residentMb(pid: number): Promise<number> {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1_024) / 1e6;
}
