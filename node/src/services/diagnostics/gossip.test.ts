import type { OutputOf, Registry } from '@muster/contract';
import type { OverlayControl } from '@muster/protocol';
import { expect, test } from 'vitest';
import { SLOW_CONSUMER } from '../../ports/handlers.ts';
import type { Session } from '../../ports/handlers.ts';
import { eventually, twoLinkedNodes } from '../../testing/network.ts';
import type { TestNode } from '../../testing/network.ts';

type Gossip = OutputOf<Registry['diagnostics.gossip']>;

const gossip = ({ node }: TestNode): Gossip => (node.handlers['diagnostics.gossip'] as () => Gossip)();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('each kind of message that a neighbour sends is counted, and whoever goes too far is listed as cut off', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  a.node.services.pubsub.subscribe('t', () => {});
  b.node.services.pubsub.subscribe('t', () => {});
  await eventually('both take part', () => gossip(a).pubsub_stages.peer_scores.some(({ topic }) => topic === 't'));
  const end = b.node.services.links.toMachine(a.identity.machineId)!;
  const say = (control: OverlayControl): void => void end.send({ kind: 'overlay', control });
  const topic = 't';
  const said = {
    eager: () => b.node.services.pubsub.publish(topic, bytes('hello')),
    ihave: () => end.send({ kind: 'have', ids: ['ab'.repeat(32)] }),
    iwant: () => end.send({ kind: 'want', ids: ['ab'.repeat(32)] }),
    graft: () => say({ kind: 'topics', items: [{ kind: 'graft', topic }] }),
    prune: () => say({ kind: 'topics', items: [{ kind: 'prune', topic }] }),
    anti_entropy: () => say({ kind: 'gone', topic, messages: [], older: 0 }),
    other: () => say({ kind: 'beat' }),
    decode_failed: () => end.send({ kind: 'publish', envelope: bytes('nonsense') }),
  };
  const before = gossip(a).pubsub_stages.message_kinds;
  for (const [kind, send] of Object.entries(said) as [keyof typeof said, () => unknown][]) {
    await send();
    await eventually(kind, () => gossip(a).pubsub_stages.message_kinds[kind] > before[kind]);
  }
  const { stats, pubsub_stages } = gossip(a);
  expect(stats.incoming_decode_failed).toBe(1);
  for (const stage of ['decode', 'verify', 'dedupe_check', 'republish'] as const) expect(pubsub_stages[stage].count, stage).toBeGreaterThan(0);
  expect(gossip(b).pubsub_stages.eager_fanout.count).toBeGreaterThan(0);
  expect(pubsub_stages.peer_scores.find((row) => row.topic === topic)!.score).toBeLessThan(1);
  for (let count = 0; count < 30; count++) said.decode_failed();
  await eventually('it is cut off', () => gossip(a).pubsub_stages.suppressed_peers.some(({ peer_id }) => peer_id === b.identity.machineId));
  const [cut] = gossip(a).pubsub_stages.suppressed_peers;
  expect(cut!.suppressed_for_ms).toBeGreaterThan(0);
});

test('a socket that is closed because its client does not read is counted, once for each of its topics', async () => {
  await using nodes = await twoLinkedNodes();
  const [a] = nodes;
  let onFrame: (frame: unknown) => unknown = () => {};
  const closed: ((code?: number) => void)[] = [];
  const socket: Session<unknown, unknown> = {
    id: 'one',
    send: () => {},
    onFrame: (listener) => void (onFrame = listener),
    onClose: (listener) => void closed.push(listener),
    close: () => {},
  };
  const connect = (): void => (a.node.handlers['websocket.connect'] as (socket: unknown) => void)(socket);
  connect();
  await onFrame({ type: 'subscribe', topics: ['x', 'y'] });
  for (const listener of closed.splice(0)) listener(SLOW_CONSUMER);
  expect(gossip(a).stats.subscriber_channel_closed).toBe(2);
  connect();
  await onFrame({ type: 'subscribe', topics: ['x'] });
  for (const listener of closed.splice(0)) listener();
  expect(gossip(a).stats.subscriber_channel_closed).toBe(2);
});
