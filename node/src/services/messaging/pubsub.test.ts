import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRESENCE_TOPIC, sealEnvelope, setTrust } from '@muster/protocol';
import type { AgentId } from '@muster/protocol';
import { expect, test } from 'vitest';
import { clock, crypto, eventually, freshIdentity, linked, startNode, TEST_NETWORK, twoLinkedNodes } from '../../testing/network.ts';
import type { TestNode } from '../../testing/network.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

function collect(node: TestNode, topic: string): { readonly got: string[]; readonly stop: () => void } {
  const got: string[] = [];
  const subscription = node.node.services.pubsub.subscribe(topic, ({ payload, sender }) => got.push(`${sender.slice(0, 8)}:${text(payload)}`));
  return { got, stop: () => subscription[Symbol.dispose]() };
}

const from = (node: TestNode, payload: string): string => `${node.identity.agentId.slice(0, 8)}:${payload}`;
const counter = (node: TestNode, name: string): number => node.node.services.counters.get(name);

test('the first message after subscribe arrives, at the publisher too, and in order', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const [atA, atB] = [collect(a, 't'), collect(b, 't')];
  const sent = Array.from({ length: 50 }, (_, index) => `m${index}`);
  for (const message of sent) await a.node.services.pubsub.publish('t', bytes(message));
  await eventually('all arrived', () => atB.got.length === sent.length);
  const expected = sent.map((message) => from(a, message));
  expect(atB.got).toEqual(expected);
  expect(atA.got).toEqual(expected);
});

test('unsubscribe stops delivery, and only that of this subscription', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const [first, second] = [collect(b, 't'), collect(b, 't')];
  await a.node.services.pubsub.publish('t', bytes('1'));
  await eventually('both have it', () => first.got.length === 1 && second.got.length === 1);
  first.stop();
  await a.node.services.pubsub.publish('t', bytes('2'));
  await eventually('the other has it', () => second.got.length === 2);
  expect(first.got).toEqual([from(a, '1')]);
});

test('a message crosses a node that stands between, once', async () => {
  await using a = await startNode();
  await using b = await startNode({ bootstrapPeers: [a.address] });
  await using c = await startNode({ bootstrapPeers: [b.address] });
  await Promise.all([linked(a, b), linked(b, c)]);
  const atC = collect(c, 't');
  await a.node.services.pubsub.publish('t', bytes('hello'));
  await eventually('it crossed', () => atC.got.length === 1);
  expect(atC.got).toEqual([from(a, 'hello')]);
});

test('in a triangle each message is delivered once, and the stages add up', async () => {
  await using a = await startNode();
  await using b = await startNode({ bootstrapPeers: [a.address] });
  await using c = await startNode({ bootstrapPeers: [a.address, b.address] });
  await Promise.all([linked(a, b), linked(b, c), linked(a, c)]);
  const atC = collect(c, 't');
  for (let index = 0; index < 20; index++) await a.node.services.pubsub.publish('t', bytes(`${index}`));
  await eventually('all arrived', () => atC.got.length === 20);
  expect(new Set(atC.got).size).toBe(20);
  // Not one of each from both, once it is settled which of its links carries them: how soon depends on the machine.
  expect(counter(c, 'gossip_incoming_duplicate_total')).toBeLessThan(20);
  const [incoming, duplicate, rejected, accepted] = ['incoming', 'incoming_duplicate', 'incoming_rejected', 'incoming_accepted'].map((stage) =>
    counter(c, `gossip_${stage}_total`),
  );
  expect(incoming).toBe(duplicate! + rejected! + accepted!);
  expect(counter(c, 'gossip_messages_total')).toBe(accepted! + counter(c, 'gossip_publish_total'));
});

test('a message that one link lost is asked for where another has it', async () => {
  await using a = await startNode();
  await using b = await startNode({ bootstrapPeers: [a.address] });
  await using c = await startNode({ bootstrapPeers: [a.address, b.address] });
  await Promise.all([linked(a, b), linked(b, c), linked(a, c)]);
  const [atB, atC] = [collect(b, 't'), collect(c, 't')];
  await a.node.services.pubsub.publish('t', bytes('first'));
  await eventually('both listen', () => atB.got.length === 1 && atC.got.length === 1);
  // a's link to c takes messages and loses them.
  const lossy = a.node.services.links.toMachine(c.identity.machineId)!;
  const send = lossy.send.bind(lossy);
  lossy.send = (message) => message.kind === 'publish' || send(message);
  await a.node.services.pubsub.publish('t', bytes('lost and found'));
  await eventually('it came by way of b', () => atC.got.length === 2);
  expect(atC.got).toEqual([from(a, 'first'), from(a, 'lost and found')]);
});

test('a blocked sender is neither delivered nor passed on', async () => {
  await using a = await startNode();
  await using b = await startNode({ bootstrapPeers: [a.address] });
  await using c = await startNode({ bootstrapPeers: [b.address] });
  await Promise.all([linked(a, b), linked(b, c)]);
  b.node.services.contacts.update(a.identity.agentId, (standing, now) => setTrust(standing, 'blocked', now));
  const [atB, atC] = [collect(b, 't'), collect(c, 't')];
  await a.node.services.pubsub.publish('t', bytes('unwanted'));
  await eventually('it was refused', () => counter(b, 'gossip_rejected_total{reason="sender_blocked"}') > 0);
  await b.node.services.pubsub.publish('t', bytes('marker'));
  await eventually('the marker arrived', () => atC.got.length > 0);
  expect([...atB.got, ...atC.got]).toEqual([from(b, 'marker'), from(b, 'marker')]);
});

test('forged, replayed, stale and future envelopes are dropped and counted by cause', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const atB = collect(b, 't');
  const link = a.node.services.links.toMachine(b.identity.machineId)!;
  const stranger = freshIdentity();
  const seal = (issued: number) =>
    sealEnvelope(crypto, stranger.agentKey, { kind: 'publish', network: TEST_NETWORK, to: 't', payload: bytes('x'), issued });
  const good = await seal(clock.now());
  const forged = Uint8Array.from(good);
  forged[forged.length - 1]! ^= 1;
  // The forged copy comes first: it must not shadow the true one, once it was seen through.
  link.send({ kind: 'publish', envelope: forged });
  await eventually('the forgery was seen through', () => counter(b, 'gossip_incoming_rejected_total') === 1);
  for (const envelope of [good, good, await seal(clock.now() - 600_000), await seal(clock.now() + 600_000)]) link.send({ kind: 'publish', envelope });
  await eventually('all were judged', () => counter(b, 'gossip_incoming_rejected_total') >= 3 && counter(b, 'gossip_incoming_duplicate_total') >= 1);
  expect(atB.got).toEqual([`${stranger.agentId.slice(0, 8)}:x`]);
  for (const reason of ['bad_signature', 'stale', 'future']) expect(counter(b, `gossip_rejected_total{reason="${reason}"}`), reason).toBe(1);
});

test('an oversize payload is an error and goes nowhere', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  await expect(a.node.services.pubsub.publish('t', new Uint8Array(256 * 1024 + 1))).rejects.toMatchObject({ status: 413 });
  const atB = collect(b, 't');
  await a.node.services.pubsub.publish('t', new Uint8Array(256 * 1024));
  await eventually('the largest allowed arrives', () => atB.got.length === 1, 10_000);
  expect(counter(b, 'gossip_incoming_total')).toBeGreaterThan(0);
});

test('a peer that stops reading does not hold up the others', async () => {
  await using a = await startNode();
  await using fast = await startNode({ bootstrapPeers: [a.address] });
  await using slow = await startNode({ bootstrapPeers: [a.address] });
  await Promise.all([linked(a, fast), linked(a, slow)]);
  const atFast = collect(fast, 't');
  const atSlow = collect(slow, 't');
  // Whoever stops reading before the trees stand may be told of messages only.
  const overlayOf = ({ node }: TestNode) => node.services.pubsub.overlay.machine;
  const placeOf = (node: TestNode): string =>
    JSON.stringify(
      overlayOf(node)
        .trees.describe()
        .map(({ root, hops }) => [root, hops !== null]),
    );
  const pushes = (node: TestNode): boolean => overlayOf(node).topics.get('t')?.targets().eager.includes(slow.identity.machineId) ?? false;
  const stands = (): boolean => new Set([a, fast, slow].map(placeOf)).size === 1 && (pushes(a) || pushes(fast));
  await eventually('the trees stand', stands);
  await a.node.services.pubsub.publish('t', bytes('both are pushed to'));
  await eventually('both have it', () => atFast.got.length === 1 && atSlow.got.length === 1 && stands());
  // The two may be linked as well by now.
  const { links } = slow.node.services;
  links.on({ up: (link) => link.wire.channel.pause(), down: () => {} });
  for (const link of links.all()) link.wire.channel.pause();
  const payload = new Uint8Array(200 * 1024);
  for (let index = 0; index < 150; index++) await a.node.services.pubsub.publish('t', payload);
  await eventually('the fast one has all', () => atFast.got.length === 151, 15_000);
  const dropped = (node: TestNode): number => counter(node, 'gossip_slow_peer_dropped_total');
  expect(dropped(a) + dropped(fast)).toBeGreaterThan(0);
});

test('a sign of life overtakes a flood of messages that waits for its reader', async () => {
  const presence = { beaconIntervalMs: 1_000, offlineTimeoutMs: 300_000, eventPollMs: 1_000 };
  await using a = await startNode({ presence });
  await using b = await startNode({ bootstrapPeers: [a.address], presence });
  await linked(a, b);
  const atB = collect(b, 't');
  await a.node.services.pubsub.publish('t', bytes('pushed'));
  await eventually('it is pushed to', () => atB.got.length === 1);
  const { channel } = b.node.services.links.toMachine(a.identity.machineId)!.wire;
  channel.pause();
  const payload = new Uint8Array(200 * 1024);
  // More than waits in any queue.
  let published = 1;
  for (; counter(a, 'gossip_slow_peer_dropped_total') === 0; published++) {
    expect(published).toBeLessThan(200);
    await a.node.services.pubsub.publish('t', payload);
  }
  const full = clock.now();
  await eventually('a gives a beacon', () => a.node.services.presence.own!.sent > full);
  let before = Infinity;
  b.node.services.pubsub.subscribe(PRESENCE_TOPIC, ({ sender, issued }) => {
    if (sender === a.identity.agentId && issued > full) before = Math.min(before, atB.got.length);
  });
  channel.resume();
  await eventually('all arrives in the end', () => atB.got.length === published && before < Infinity, 15_000);
  // 8 MiB were waiting when the beacon was given.
  expect(atB.got.length - before).toBeGreaterThan(30);
});

test('our own message coming back as somebody else’s copy is not delivered again', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const atA = collect(a, 't');
  const captured: Uint8Array[] = [];
  b.node.services.links.on({
    up: () => {},
    down: () => {},
    message: (_, message) => void (message.kind === 'publish' && captured.push(message.envelope)),
  });
  await a.node.services.pubsub.publish('t', bytes('mine'));
  await eventually('the other has it', () => captured.length > 0);
  b.node.services.links.toAgent(a.identity.agentId as AgentId)!.send({ kind: 'publish', envelope: captured[0]! });
  await eventually('the copy was judged', () => counter(a, 'gossip_incoming_duplicate_total') === 1);
  expect(atA.got).toHaveLength(1);
});

test('a subscriber that fails costs neither the message of others nor what follows', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  let failures = 0;
  b.node.services.pubsub.subscribe('bad', () => {
    failures++;
    throw new Error('defect');
  });
  const atB = collect(b, 't');
  await a.node.services.pubsub.publish('bad', bytes('1'));
  await a.node.services.pubsub.publish('t', bytes('2'));
  await eventually('what follows arrives', () => atB.got.length === 1);
  expect(failures).toBe(1);
  expect(counter(b, 'link_events_failed_total')).toBe(1);
});

/** What `a` says to `b` about messages goes nowhere until the link is made again. */
function mute(a: TestNode, b: TestNode): void {
  const link = a.node.services.links.toMachine(b.identity.machineId)!;
  const send = link.send.bind(link);
  link.send = (message) => message.kind === 'publish' || message.kind === 'have' || send(message);
}

test('what was lost with a cut link arrives once it is made again', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const atB = collect(b, 't');
  await a.node.services.pubsub.publish('t', bytes('before'));
  await eventually('it arrived', () => atB.got.length === 1);
  mute(a, b);
  await a.node.services.pubsub.publish('t', bytes('during'));
  const link = a.node.services.links.toMachine(b.identity.machineId)!;
  link.interrupted = true;
  link.wire.close('cut');
  await eventually('it arrived after all', () => atB.got.length === 2);
  expect(atB.got).toEqual([from(a, 'before'), from(a, 'during')]);
});

test.each(['ended', 'was killed'])('a peer that %s and came back is not given what was before', async (how) => {
  const identity = freshIdentity();
  await using a = await startNode();
  const b = await startNode({ identity, bootstrapPeers: [a.address] });
  await linked(a, b);
  await a.node.services.pubsub.publish('t', bytes('before'));
  const before = a.node.services.links.toMachine(identity.machineId)!;
  // Whoever is killed does not say goodbye.
  if (how === 'was killed') before.wire.channel.pause();
  await b[Symbol.asyncDispose]();
  if (how === 'ended') await eventually('the link is gone', () => a.node.services.links.size === 0);
  await using again = await startNode({ identity, bootstrapPeers: [a.address] });
  const atB = collect(again, 't');
  await eventually('the new life has the link', () => ![undefined, before].includes(a.node.services.links.toMachine(identity.machineId)));
  await a.node.services.pubsub.publish('t', bytes('after'));
  await eventually('what follows arrives', () => atB.got.length > 0);
  expect(atB.got).toEqual([from(a, 'after')]);
});

test('what was delivered before a restart is not delivered again when somebody replays it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-replay-'));
  try {
    const [identity, storeFile] = [freshIdentity(), join(directory, 'node.sqlite')];
    await using a = await startNode();
    const b = await startNode({ identity, storeFile, bootstrapPeers: [a.address] });
    await linked(a, b);
    const before = collect(b, 't');
    const envelope = await sealEnvelope(crypto, freshIdentity().agentKey, {
      kind: 'publish',
      network: TEST_NETWORK,
      to: 't',
      payload: bytes('once'),
      issued: clock.now(),
    });
    a.node.services.links.toMachine(identity.machineId)!.send({ kind: 'publish', envelope });
    await eventually('it arrived', () => before.got.length === 1);
    await b[Symbol.asyncDispose]();
    await using again = await startNode({ identity, storeFile, bootstrapPeers: [a.address] });
    await linked(a, again);
    const after = collect(again, 't');
    a.node.services.links.toMachine(identity.machineId)!.send({ kind: 'publish', envelope });
    await eventually('the replay was seen', () => counter(again, 'gossip_incoming_duplicate_total') >= 1);
    expect(after.got).toEqual([]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
