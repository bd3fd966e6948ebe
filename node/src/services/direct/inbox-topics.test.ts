import {
  addMachine,
  encodeDirectBody,
  encodeLetter,
  fromBase64,
  fromHex,
  inboxTopic,
  MAX_SEALED_DIRECT_PAYLOAD_BYTES,
  pin,
  sealBox,
  sealEnvelope,
  setTrust,
  signLetter,
} from '@muster/protocol';
import type { SigningKey } from '@muster/protocol';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LogLevel } from '../../ports/index.ts';
import { clock, crypto, eventually, freshIdentity, linked, startNode, TEST_NETWORK } from '../../testing/network.ts';
import type { NodeOptions, TestNode } from '../../testing/network.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const inbox = ({ node }: TestNode): string[] =>
  node.services.direct.inbox.read(undefined, 1_000).map(({ payload }) => new TextDecoder().decode(fromBase64(payload)));
const count = ({ node }: TestNode, name: string): number => node.services.counters.get(name);
const send = (from: TestNode, to: TestNode, text: string, logicalId?: string) =>
  from.node.services.direct.send(to.identity.agentId, bytes(text), logicalId);

interface Line extends AsyncDisposable {
  readonly a: TestNode;
  readonly b: TestNode;
  readonly c: TestNode;
}

/** Linked one to the next only; the ends know each other as if by their announcements. */
async function lineOfThree(options: { readonly a?: NodeOptions; readonly c?: NodeOptions } = {}): Promise<Line> {
  const b = await startNode();
  const a = await startNode({ bootstrapPeers: [b.address], ...options.a });
  const c = await startNode({ bootstrapPeers: [b.address], ...options.c });
  const dispose = async (): Promise<void> => void (await Promise.all([a, b, c].map((node) => node[Symbol.asyncDispose]())));
  try {
    await Promise.all([linked(a, b), linked(b, c)]);
    introduce(a, c);
    introduce(c, a);
    return { a, b, c, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function introduce({ node }: TestNode, { identity }: TestNode): void {
  node.services.peers.learn(identity.agentId, identity.machineId, { kemKey: identity.kemKey.publicKey, announced: true });
}

test('a message is committed at the recipient when send resolves, both ways', async () => {
  await using line = await lineOfThree();
  const { a, b, c } = line;
  expect(await send(a, c, 'there')).toMatchObject({ path: 'gossip_inbox', retries: 0 });
  expect(inbox(c)).toEqual(['there']);
  expect(await send(c, a, 'and back')).toMatchObject({ path: 'gossip_inbox' });
  expect([inbox(a), inbox(b)]).toEqual([['and back'], []]);
  expect([a, c].map((node) => node.node.services.links.size)).toEqual([1, 1]);
});

test('a message visits those on its way only: the relay, and the roots of the trees', async () => {
  await using line = await lineOfThree();
  const { a, b, c } = line;
  await using others = new AsyncDisposableStack();
  const leaves = await Promise.all(Array.from({ length: 4 }, async () => others.use(await startNode({ bootstrapPeers: [b.address] }))));
  await Promise.all(leaves.map((leaf) => linked(b, leaf)));
  // The trees are rooted at the lowest and the highest machine id.
  const byId = [a, b, c, ...leaves].map(({ identity }) => identity.machineId).toSorted();
  const off = leaves.filter(({ identity }) => ![byId[0], byId.at(-1)].includes(identity.machineId));
  // Whoever carries a topic for others gets its messages and has nobody for them.
  const carried = (): number => off.reduce((sum, node) => sum + count(node, 'gossip_no_subscriber_total'), 0);
  const relayed = (): number => count(b, 'gossip_no_subscriber_total');
  // Those that were on the way while the trees were growing leave the topics again.
  const letters = async (): Promise<boolean> => {
    const before = [carried(), relayed()] as const;
    for (let index = 0; index < 10; index++) await send(a, c, `${index}`);
    // There and back.
    expect(relayed() - before[1]).toBeGreaterThanOrEqual(20);
    return carried() === before[0];
  };
  await eventually('ten messages and the word on them visit nobody else', letters, 10_000);
  expect(off.length).toBeGreaterThan(1);
}, 20_000);

test('sends with one logical id are one message whichever way they go, and the path told is the way it went', async () => {
  await using line = await lineOfThree();
  const { a, c } = line;
  const results = await Promise.all([send(a, c, 'one', 'order'), send(a, c, 'one', 'order')]);
  expect(results.map(({ path }) => path)).toEqual(['gossip_inbox', 'gossip_inbox']);
  await a.node.services.links.connect(c.address, c.identity.machineId);
  expect((await send(a, c, 'one', 'order')).path).toBe('gossip_inbox');
  await expect(send(a, c, 'two', 'order')).rejects.toMatchObject({ status: 409 });
  // A link is preferred as soon as there is one.
  expect((await send(a, c, 'three')).path).toBe('raw_quic_acked');
  expect(inbox(c)).toEqual(['one', 'three']);
  expect(count(a, 'dm_outgoing_path_gossip_inbox_total')).toBe(1);
});

test('blocked and mis-pinned senders are refused by the recipient, with the reason', async () => {
  await using line = await lineOfThree();
  const { a, c } = line;
  const { contacts } = c.node.services;
  contacts.update(a.identity.agentId, (standing, now) => setTrust(standing, 'blocked', now));
  await expect(send(a, c, 'x')).rejects.toMatchObject({ status: 403, extra: { detail: expect.stringContaining('blocked') } });
  contacts.update(a.identity.agentId, (standing, now) => {
    const other = freshIdentity().machineId;
    return pin(addMachine(setTrust(standing, 'trusted', now), other, now), other);
  });
  await expect(send(a, c, 'x')).rejects.toMatchObject({ status: 403, extra: { detail: expect.stringContaining('machine_mismatch') } });
  expect(inbox(c)).toEqual([]);
  expect(count(c, 'dm_refused_total{reason="blocked"}')).toBe(1);
  expect(count(c, 'dm_refused_total{reason="machine_mismatch"}')).toBe(1);
  contacts.update(a.identity.agentId, (standing, now) => pin(addMachine(standing, a.identity.machineId, now), a.identity.machineId));
  await send(a, c, 'from the right machine');
  expect(inbox(c)).toEqual(['from the right machine']);
});

test('a box that was tampered with is refused, counted and answered', async () => {
  await using line = await lineOfThree();
  const { a, c } = line;
  const publish = a.node.services.pubsub.publish.bind(a.node.services.pubsub);
  a.node.services.pubsub.publish = (topic, box, kind) => {
    const changed = box.slice();
    // In the KEM ciphertext; the message itself is signed as it is.
    if (kind === 'inbox') changed[100]! ^= 1;
    return publish(topic, changed, kind);
  };
  await expect(send(a, c, 'x')).rejects.toMatchObject({ status: 403, extra: { detail: expect.stringContaining('sealed') } });
  expect(count(c, 'dm_refused_total{reason="not_opened"}')).toBe(1);
  expect(inbox(c)).toEqual([]);
});

test('a box of somebody else’s, sent on, is refused', async () => {
  await using line = await lineOfThree();
  const { a, b, c } = line;
  let seen: Uint8Array | undefined;
  const publish = a.node.services.pubsub.publish.bind(a.node.services.pubsub);
  a.node.services.pubsub.publish = (topic, box, kind) => {
    if (kind === 'inbox') seen = box;
    return publish(topic, box, kind);
  };
  await send(a, c, 'mine');
  await b.node.services.pubsub.publish(inboxTopic(crypto, c.identity.agentId), seen!, 'inbox');
  await eventually('it is refused', () => count(c, 'dm_refused_total{reason="not_opened"}') === 1);
  // What is published there in the open is nobody's letter.
  await b.node.services.pubsub.publish(inboxTopic(crypto, c.identity.agentId), bytes('hello'));
  await eventually('it is refused', () => count(c, 'dm_refused_total{reason="kind"}') === 1);
  const route = { network: TEST_NETWORK, sender: b.identity.agentId, recipient: c.identity.agentId };
  const junk = sealBox(crypto, c.identity.kemKey.publicKey, route, fromHex('00'.repeat(16)), bytes('junk'));
  await b.node.services.pubsub.publish(inboxTopic(crypto, c.identity.agentId), junk, 'inbox');
  await eventually('it is refused', () => count(c, 'dm_refused_total{reason="malformed"}') === 1);
  expect(inbox(c)).toEqual(['mine']);
});

test('a pinned sender cannot be passed for by its agent key alone: the machine must have signed', async () => {
  await using line = await lineOfThree();
  const { b, c } = line;
  const { identity, node } = b;
  const pinned = freshIdentity();
  c.node.services.contacts.update(identity.agentId, (standing, now) =>
    pin(addMachine(setTrust(standing, 'trusted', now), pinned.machineId, now), pinned.machineId),
  );
  const requestId = new Uint8Array(16).fill(9);
  const content = { payload: encodeDirectBody({ requestId, payload: bytes('from where I may') }), issued: clock.now() };
  const envelope = await sealEnvelope(crypto, identity.agentKey, { kind: 'direct', network: TEST_NETWORK, to: c.identity.agentId, ...content });
  const post = async (signer: SigningKey): Promise<void> => {
    const machineSignature = await signLetter(crypto, signer, envelope);
    const letter = {
      kind: 'message',
      envelope,
      kemKey: identity.kemKey.publicKey,
      machineKey: pinned.machineKey.publicKey,
      machineSignature,
    } as const;
    const route = { network: TEST_NETWORK, sender: identity.agentId, recipient: c.identity.agentId };
    const box = sealBox(crypto, c.identity.kemKey.publicKey, route, requestId, encodeLetter(letter));
    await node.services.pubsub.publish(inboxTopic(crypto, c.identity.agentId), box, 'inbox');
  };
  await post(identity.machineKey);
  await eventually('it is refused', () => count(c, 'dm_refused_total{reason="machine_signature"}') === 1);
  expect(inbox(c)).toEqual([]);
  await post(pinned.machineKey);
  await eventually('the right machine is heard', () => inbox(c).length === 1);
});

test('what is too large to travel so is said to be, and goes over a link', async () => {
  await using line = await lineOfThree();
  const { a, c } = line;
  const payload = new Uint8Array(MAX_SEALED_DIRECT_PAYLOAD_BYTES);
  expect((await a.node.services.direct.send(c.identity.agentId, payload)).path).toBe('gossip_inbox');
  const larger = () => a.node.services.direct.send(c.identity.agentId, new Uint8Array(payload.length + 1));
  await expect(larger()).rejects.toMatchObject({ status: 400, message: 'envelope_construction' });
  await a.node.services.links.connect(c.address, c.identity.machineId);
  expect((await larger()).path).toBe('raw_quic_acked');
});

test('a message that was under way when its sender died goes on over the inbox topic, once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-letters-'));
  try {
    const options = { identity: freshIdentity(), storeFile: join(directory, 'node.sqlite') };
    await using line = await lineOfThree({ a: options });
    const { a, b, c } = line;
    // The relay hears nothing, as if its process were stopped.
    b.node.services.links.toMachine(a.identity.machineId)!.wire.channel.pause();
    const sending = send(a, c, 'survivor', 'id-1').catch((error: Error) => error.message);
    await eventually('it was handed over', () => count(a, 'dm_outgoing_handed_over_total') === 1);
    await a[Symbol.asyncDispose]();
    await sending;
    await using again = await startNode({ ...options, bootstrapPeers: [b.address] });
    await eventually('it is delivered', () => inbox(c).length > 0, 10_000);
    expect((await send(again, c, 'survivor', 'id-1')).path).toBe('gossip_inbox');
    expect(inbox(c)).toEqual(['survivor']);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 20_000);

test('every stage is traced at both ends under one digest, without content', async () => {
  const lines: { who: string; level: LogLevel; message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const log = (who: string) => ({
    write: (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (message.startsWith('dm.trace')) lines.push({ who, level, message, fields });
    },
  });
  await using line = await lineOfThree({ a: { log: log('a') }, c: { log: log('c') } });
  const { a, c } = line;
  await send(a, c, 'between us');
  const stages = ['a queued', 'a sent', 'c received', 'c committed', 'a acknowledged'];
  expect(lines.map(({ who, message }) => `${who} ${message.slice('dm.trace '.length)}`).toSorted()).toEqual(stages.toSorted());
  expect(new Set(lines.map(({ fields }) => fields['digest'])).size).toBe(1);
  expect(new Set(lines.map(({ fields }) => fields['request'])).size).toBe(1);
  expect(lines.filter(({ fields }) => 'via' in fields).map(({ fields }) => fields['via'])).toEqual(Array(4).fill('gossip_inbox'));
  c.node.services.contacts.update(a.identity.agentId, (standing, now) => setTrust(standing, 'blocked', now));
  await send(a, c, 'between us').catch(() => {});
  const refusals = lines.slice(stages.length).filter(({ message }) => /refused|rejected/.test(message));
  expect(refusals.map(({ who, fields }) => [who, fields['reason']])).toEqual([
    ['c', 'blocked'],
    ['a', 'blocked'],
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/between us|YmV0d2Vlbi/);
});
