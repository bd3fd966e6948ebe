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
export async function openWorld(command: DaemonCommand, count: number): Promise<BenchWorld> {
  const world: LocalWorld = await startLocalWorld({ command, nodes: Array.from({ length: count }, (_, index) => `bench-${index + 1}`) });
  const clients = world.nodes.map((node) => createClient({ baseUrl: `http://${node.address}`, token: node.token }));
  const dispose = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    await world[Symbol.asyncDispose]();
  };
  try {
    const linked = async (): Promise<boolean> =>
      (await Promise.all(clients.map((client) => client.network.peers()))).every(({ peers }) => peers.length >= count - 1);
    await eventually(systemClock, linked, { within: LINKED_MS, what: 'every daemon is linked to all others' });
    const agents = (await Promise.all(clients.map((client) => client.identity.get()))).map(({ agent_id }) => agent_id);
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

/** ms of each of `count` direct messages sent one after the other, committed by the recipient. */
export async function directMessages(world: BenchWorld, count: number, payloadBytes: number): Promise<number[]> {
  const payload = Buffer.alloc(payloadBytes, 7).toString('base64');
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await world.clients[0]!.direct.send({ agent_id: world.agents[1]!, payload });
    times.push(performance.now() - start);
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
