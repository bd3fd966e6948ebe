/** Thirty of our own daemons in one process that know one of them only: what the overlay costs and how fast it is. */
import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createClient } from '@muster/client';
import type { Client } from '@muster/client';
import { crowdedDaemons, eventually, ScriptedPeer, startLocalWorld, systemClock } from '@muster/lab';
import type { DaemonCommand, LocalWorld, ScriptedPeerOptions } from '@muster/lab';
import { percentile, pool } from './measure.ts';

const NODES = 30;
const BURST = 1_000;
const PACED = 100;
const PACED_EVERY_MS = 50;
const PATIENCE_MS = 120_000;
const LINKS = 60;
const TOPICS = 2_000;
/** ms in which those who joined have said so, twice, and each knows all */
const FIRST_WORDS_MS = 6_000;
/** ms in which memory settles */
const SETTLE_MS = 1_000;
/** clock ticks of `/proc/PID/stat` in a second */
const TICKS_PER_SECOND = 100;

export interface OverlayNumbers {
  readonly nodes: number;
  /** from the last node's start until all are in one network */
  readonly joinMs: number;
  readonly burstDeliveriesPerSecond: number;
  readonly pacedP50Ms: number;
  readonly pacedP99Ms: number;
  /** on links, before TLS, of all kinds, for each delivery of the burst; the payload has 256 bytes */
  readonly wireBytesPerDelivery: number;
  readonly cpuMsPer1000Deliveries: number;
  readonly kbPerLink: number;
  readonly kbPerTopic: number;
}

export async function overlayNumbers(daemon: DaemonCommand, payloadBytes: number): Promise<OverlayNumbers> {
  const network = await thirty(daemon, payloadBytes);
  return { nodes: NODES, ...network, ...(await memory(daemon)) };
}

async function thirty(command: DaemonCommand, payloadBytes: number) {
  const names = Array.from({ length: NODES }, (_, index) => `bench-${index + 1}`);
  await using world = await startLocalWorld({
    command,
    crowd: { command: crowdedDaemons(), size: NODES },
    nodes: names,
    wiring: 'star',
    config: { heartbeat_interval_secs: 300 },
  });
  await using stack = new AsyncDisposableStack();
  const clients = world.nodes.map((node) => stack.use(createClient({ baseUrl: `http://${node.address}`, token: node.token })));
  const topic = `bench.${crypto.randomUUID()}`;
  const heard = clients.map(() => new Set<string>());
  const latencies: number[] = [];
  for (const [index, client] of clients.entries()) {
    const stream = client.messaging.events();
    stack.defer(() => stream.close());
    await stream.opened;
    await client.messaging.subscribe({ topic });
    void (async () => {
      for await (const { event, data } of stream) {
        if (event !== 'message' || data.data.topic !== topic) continue;
        heard[index]!.add(data.data.payload);
        const [sent] = Buffer.from(data.data.payload, 'base64').toString('latin1').split(' ');
        if (sent !== '-') latencies.push(performance.now() - Number(sent));
      }
    })().catch(() => {});
  }
  let said = 0;
  const say = (client: Client, sent: string): Promise<unknown> =>
    client.messaging.publish({ topic, payload: Buffer.from(`${sent} ${++said} `.padEnd(payloadBytes, '.'), 'latin1').toString('base64') });
  const all = (): Promise<unknown> =>
    eventually(systemClock, () => heard.every(({ size }) => size >= said), { within: PATIENCE_MS, what: 'everyone has everything' });

  await Promise.all(clients.map((client) => say(client, '-')));
  await all();
  const ages = await Promise.all(clients.map((client) => gauges(client)));
  const joinMs = Math.max(0, Math.max(...ages.map(({ joined }) => joined)) - Math.max(...ages.map(({ started }) => started)));

  await systemClock.sleep(FIRST_WORDS_MS);
  for (let index = 0; index < PACED; index++) {
    await systemClock.sleep(PACED_EVERY_MS);
    await say(clients[index % NODES]!, performance.now().toFixed(3));
  }
  await all();

  const { pid } = world.nodes[0]!.process;
  const before = { bytes: await bytesSent(clients), cpu: await cpuMs(pid), at: performance.now() };
  await pool(BURST, 32, async (index) => void (await say(clients[index % NODES]!, '-')));
  await all();
  const deliveries = BURST * NODES;
  return {
    joinMs,
    pacedP50Ms: percentile(latencies, 50),
    pacedP99Ms: percentile(latencies, 99),
    burstDeliveriesPerSecond: deliveries / ((performance.now() - before.at) / 1_000),
    wireBytesPerDelivery: ((await bytesSent(clients)) - before.bytes) / deliveries,
    cpuMsPer1000Deliveries: (((await cpuMs(pid)) - before.cpu) / deliveries) * 1_000,
  };
}

/** What idle links and topics that are only listened to weigh, on one node. */
async function memory(command: DaemonCommand) {
  await using world: LocalWorld = await startLocalWorld({ command, nodes: ['bench'], wiring: 'star' });
  const [node] = world.nodes;
  await using client = createClient({ baseUrl: `http://${node!.address}`, token: node!.token });
  await using stack = new AsyncDisposableStack();
  const { pid } = node!.process;
  const network = createHash('sha256').update(world.networkId).digest('hex') as ScriptedPeerOptions['network'];
  const kb = async (): Promise<number> => {
    await systemClock.sleep(SETTLE_MS);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
  };
  const { bindAddress } = node!.config;
  const link = async (): Promise<void> => void (await stack.use(new ScriptedPeer({ network })).dial(bindAddress));
  // The first few and the first topics pay for what all of them share.
  await pool(5, 1, link);
  const idle = await kb();
  await pool(LINKS, 4, link);
  const linked = await kb();
  await pool(100, 8, async (index) => void (await client.messaging.subscribe({ topic: `first ${index}` })));
  const begun = await kb();
  await pool(TOPICS, 8, async (index) => void (await client.messaging.subscribe({ topic: `topic ${index}` })));
  return { kbPerLink: (linked - idle) / LINKS, kbPerTopic: ((await kb()) - begun) / TOPICS };
}

async function metrics(client: Client): Promise<(name: string) => number> {
  const text = String(await client.status.metrics());
  return (name) => Number(new RegExp(`^muster_${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** ms before now; the last start counts */
async function gauges(client: Client): Promise<{ started: number; joined: number }> {
  const value = await metrics(client);
  const now = performance.now();
  return { started: now - value('overlay_age_milliseconds'), joined: now - value('overlay_root_age_milliseconds') };
}

async function bytesSent(clients: readonly Client[]): Promise<number> {
  const each = await Promise.all(clients.map(async (client) => (await metrics(client))('link_bytes_sent_total')));
  return each.reduce((sum, bytes) => sum + bytes, 0);
}

/** user and system time of a process so far */
async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000;
}
