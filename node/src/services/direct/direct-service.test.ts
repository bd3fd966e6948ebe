import { addMachine, encodeDirectBody, encodeStrict, fromBase64, fromHex, pin, sealEnvelope, setTrust, toHex } from '@muster/protocol';
import type { LinkMessage } from '@muster/protocol';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../engines/sqlite-store.ts';
import type { NodePorts } from '../../node.ts';
import type { Store } from '../../ports/index.ts';
import { clock, crypto, eventually, fillingDisk, freshIdentity, linked, startNode, TEST_NETWORK, twoLinkedNodes } from '../../testing/network.ts';
import type { TestNode } from '../../testing/network.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const inbox = (node: TestNode): string[] =>
  node.node.services.direct.inbox.read(undefined, 1_000).map(({ payload }) => new TextDecoder().decode(fromBase64(payload)));

test('a sent message is committed at the recipient when send resolves', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const heard: string[] = [];
  b.node.services.direct.onMessage(({ sender }) => heard.push(sender));
  const result = await a.node.services.direct.send(b.identity.agentId, bytes('hello'));
  expect(result).toMatchObject({ path: 'raw_quic_acked', retries: 0 });
  expect(inbox(b)).toEqual(['hello']);
  expect(heard).toEqual([a.identity.agentId]);
});

test('a message to oneself takes the loopback and is committed too', async () => {
  await using a = await startNode();
  expect(await a.node.services.direct.send(a.identity.agentId, bytes('note'))).toMatchObject({ path: 'loopback' });
  expect(inbox(a)).toEqual(['note']);
});

test('sends with one logical id are one message, at the same time and afterwards', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const send = (payload: string) => a.node.services.direct.send(b.identity.agentId, bytes(payload), 'order-1');
  const results = await Promise.all([send('one'), send('one'), send('one')]);
  results.push(await send('one'));
  expect(new Set(results.map(({ requestId }) => requestId)).size).toBe(1);
  expect(inbox(b)).toEqual(['one']);
  await expect(send('two')).rejects.toMatchObject({ status: 409, message: 'idempotency_conflict' });
});

test('the recipient decides: blocked and mis-pinned senders are refused there', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const send = () => a.node.services.direct.send(b.identity.agentId, bytes('x'));
  b.node.services.contacts.update(a.identity.agentId, (standing, now) => setTrust(standing, 'blocked', now));
  await expect(send()).rejects.toMatchObject({ status: 403, message: 'recipient_rejected', extra: { detail: expect.stringContaining('blocked') } });
  b.node.services.contacts.update(a.identity.agentId, (standing, now) => {
    const other = freshIdentity().machineId;
    return pin(addMachine(setTrust(standing, 'trusted', now), other, now), other);
  });
  await expect(send()).rejects.toMatchObject({ status: 403, extra: { detail: expect.stringContaining('machine_mismatch') } });
  b.node.services.contacts.update(a.identity.agentId, (standing, now) => pin(addMachine(standing, a.identity.machineId, now), a.identity.machineId));
  await send();
  expect(inbox(b)).toEqual(['x']);
});

test('an unknown recipient, a gone one and too large a payload fail each in its own way', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  await expect(a.node.services.direct.send(freshIdentity().agentId, bytes('x'))).rejects.toMatchObject({
    status: 404,
    message: 'recipient_key_unavailable',
  });
  await expect(a.node.services.direct.send(b.identity.agentId, new Uint8Array(640 * 1024 + 1))).rejects.toMatchObject({
    status: 413,
    message: 'payload_too_large',
  });
  await a.node.services.direct.send(b.identity.agentId, new Uint8Array(640 * 1024));
  await b[Symbol.asyncDispose]();
  await eventually('the link is gone', () => a.node.services.links.size === 0);
  await expect(a.node.services.direct.send(b.identity.agentId, bytes('x'))).rejects.toMatchObject({ status: 502, message: 'peer_disconnected' });
});

test('a message that was under way when the sender died is delivered once after its restart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-outbox-'));
  try {
    const identity = freshIdentity();
    const storeFile = join(directory, 'node.sqlite');
    await using b = await startNode();
    const a = await startNode({ identity, storeFile, bootstrapPeers: [b.address] });
    await linked(a, b);
    // The recipient hears nothing, as if its process were stopped.
    b.node.services.links.toMachine(identity.machineId)!.wire.channel.pause();
    const sending = a.node.services.direct.send(b.identity.agentId, bytes('survivor'), 'id-1').catch((error: Error) => error.message);
    await eventually('it was handed over', () => a.node.services.counters.get('dm_outgoing_handed_over_total') === 1);
    await a[Symbol.asyncDispose]();
    await sending;
    await using again = await startNode({ identity, storeFile, bootstrapPeers: [b.address] });
    await eventually('it is delivered', () => inbox(b).length > 0, 10_000);
    expect((await again.node.services.direct.send(b.identity.agentId, bytes('survivor'), 'id-1')).path).toBe('raw_quic_acked');
    expect(inbox(b)).toEqual(['survivor']);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('the inbox is paged by cursor, oldest first', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  for (let index = 0; index < 5; index++) await a.node.services.direct.send(b.identity.agentId, bytes(`${index}`));
  const { inbox: stored } = b.node.services.direct;
  const first = stored.read(undefined, 2);
  const rest = stored.read(first.at(-1)!.cursor, 10);
  expect([...first, ...rest].map(({ payload }) => new TextDecoder().decode(fromBase64(payload)))).toEqual(['0', '1', '2', '3', '4']);
});

test('a message to oneself under a used logical id is refused, unless it is the same one', async () => {
  await using a = await startNode();
  const send = (payload: string) => a.node.services.direct.send(a.identity.agentId, bytes(payload), 'note-1');
  const first = await send('one');
  expect(await send('one')).toEqual(first);
  await expect(send('two')).rejects.toMatchObject({ status: 409, message: 'idempotency_conflict' });
  expect(inbox(a)).toEqual(['one']);
});

test('what the recipient committed is reported so, though the own disk takes no note of it', async () => {
  const disk = fillingDisk('relaxed');
  await using b = await startNode();
  await using a = await startNode({ bootstrapPeers: [b.address], wrap: disk.wrap });
  await linked(a, b);
  disk.full = true;
  expect(await a.node.services.direct.send(b.identity.agentId, bytes('x'))).toMatchObject({ path: 'raw_quic_acked' });
  expect(inbox(b)).toEqual(['x']);
});

test('a full disk refuses a send before anything leaves', async () => {
  const disk = fillingDisk('durable', 'relaxed');
  await using b = await startNode();
  await using a = await startNode({ bootstrapPeers: [b.address], wrap: disk.wrap });
  await linked(a, b);
  disk.full = true;
  const send = () => a.node.services.direct.send(b.identity.agentId, bytes('x'));
  await expect(send()).rejects.toMatchObject({ status: 500, message: 'publish_failed' });
  expect(inbox(b)).toEqual([]);
  disk.full = false;
  await send();
  expect(inbox(b)).toEqual(['x']);
});

test('an acknowledgement that comes late still ends the message, if it is the recipient’s', async () => {
  let store: Store | undefined;
  await using b = await startNode();
  await using c = await startNode();
  await using a = await startNode({ bootstrapPeers: [b.address, c.address], wrap: (ports) => ((store = ports.store), ports) });
  await Promise.all([linked(a, b), linked(a, c)]);
  const requestId = 'ab'.repeat(16);
  const pending = {
    requestId,
    to: b.identity.agentId,
    envelope: '',
    digest: 'd',
    bytes: 0,
    expires: Number.MAX_SAFE_INTEGER,
    logical: { id: 'late', digest: 'd' },
  };
  new Outbox(store!, clock, crypto, { write: () => {} }).add(pending);
  const acknowledge = (node: TestNode): void => {
    const link = node.node.services.links.toMachine(a.identity.machineId)!;
    link.send({ kind: 'direct_ack', requestId: fromHex(requestId), outcome: { kind: 'committed' } });
  };
  acknowledge(c);
  // A round trip behind it: the stranger's word was judged.
  await c.node.services.direct.send(a.identity.agentId, bytes('after'));
  expect(store!.count('outbox/')).toBe(1);
  acknowledge(b);
  await eventually('it is over', () => store!.count('outbox/') === 0);
  await expect(a.node.services.direct.send(b.identity.agentId, bytes('other'), 'late')).rejects.toMatchObject({ status: 409 });
});

test('the oldest messages go beyond the limit; a disk that cannot let go of them refuses nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-inbox-'));
  const store = openSqliteStore(join(directory, 'node.sqlite'));
  try {
    const disk = fillingDisk('relaxed');
    disk.full = true;
    const { store: wrapped } = disk.wrap({ store } as NodePorts);
    const sender = freshIdentity();
    const stored = new Inbox(wrapped, clock, crypto, { write: () => {} }, 10);
    const origin = { sender: sender.agentId, machine: sender.machineId, decision: 'accept' as const, staleAfter: clock.now() };
    const take = (index: number) =>
      stored.take({ requestId: crypto.randomBytes(16), payload: bytes(`${index}`), logicalId: `${index}` }, origin).kind;
    for (let index = 0; index < 512; index++) expect(take(index)).toBe('new');
    expect(stored.read(undefined, 1_000)).toHaveLength(512);
    disk.full = false;
    expect(take(512)).toBe('new');
    expect(stored.read(undefined, 1_000).map(({ logicalId }) => logicalId)).toEqual(Array.from({ length: 10 }, (_, index) => `${503 + index}`));
    // What was forgotten is new again; what is kept is told apart.
    expect([take(0), take(512)]).toEqual(['new', 'again']);
  } finally {
    store.close();
    await rm(directory, { recursive: true, force: true });
  }
});

test('what was not acknowledged in time is sent again while the link stays up', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const link = b.node.services.links.toMachine(a.identity.machineId)!;
  // The recipient's word is lost on the way back, at both attempts.
  const send = link.send.bind(link);
  link.send = (message) => message.kind === 'direct_ack' || send(message);
  await expect(a.node.services.direct.send(b.identity.agentId, bytes('late'), 'late-1')).rejects.toMatchObject({ status: 504 });
  expect(inbox(b)).toEqual(['late']);
  link.send = send;
  const committed = () => a.node.services.counters.get('dm_outgoing_path_link_total') === 1;
  await eventually('it is acknowledged after all', committed, 10_000);
  expect(inbox(b)).toEqual(['late']);
});

test('a sender that was blocked after its message was committed still hears that it was', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const link = b.node.services.links.toMachine(a.identity.machineId)!;
  const send = link.send.bind(link);
  let lost = 0;
  link.send = (message) => (message.kind === 'direct_ack' && lost++ === 0) || send(message);
  const sending = a.node.services.direct.send(b.identity.agentId, bytes('in time'));
  await eventually('it is committed', () => inbox(b).length === 1);
  b.node.services.contacts.update(a.identity.agentId, (standing, now) => setTrust(standing, 'blocked', now));
  expect(await sending).toMatchObject({ retries: 1 });
});

test('what is stale, early or unreadable is refused with that reason; what its sender did not sign is not answered', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const link = b.node.services.links.toMachine(a.identity.machineId)!;
  const outcomes = new Map<string, string>();
  const arrived = (message: LinkMessage): void => {
    if (message.kind !== 'direct_ack') return;
    outcomes.set(toHex(message.requestId), message.outcome.kind === 'rejected' ? message.outcome.reason : 'committed');
  };
  b.node.services.links.on({ up: () => {}, down: () => {}, message: (_, message) => arrived(message) });
  const say = async (first: number, times: { issued: number; expires?: number }, spoil?: (envelope: Uint8Array) => void, payload?: Uint8Array) => {
    const requestId = new Uint8Array(16).fill(first);
    const route = { kind: 'direct', network: TEST_NETWORK, to: a.identity.agentId };
    const content = { payload: payload ?? encodeDirectBody({ requestId, payload: bytes('x') }), ...times };
    const envelope = await sealEnvelope(crypto, b.identity.agentKey, { ...route, ...content });
    spoil?.(envelope);
    link.send({ kind: 'direct', envelope });
  };
  const now = clock.now();
  await say(1, { issued: now - 600_000 });
  await say(2, { issued: now + 600_000 });
  await say(3, { issued: now, expires: now + 3_600_000 });
  await say(4, { issued: now }, undefined, encodeStrict([new Uint8Array(16).fill(4), '', bytes('x')]));
  await say(5, { issued: now }, (envelope) => void (envelope[envelope.length - 1]! ^= 1));
  await say(6, { issued: now - 600_000 }, (envelope) => void (envelope[envelope.length - 1]! ^= 1));
  await say(7, { issued: now });
  const told = (first: number) => outcomes.get(toHex(new Uint8Array(16).fill(first)));
  await eventually('the last is answered', () => told(7) !== undefined);
  await eventually('the untimely ones are', () => [1, 2, 3, 4].every((first) => told(first) !== undefined));
  expect([1, 2, 3, 4, 5, 6, 7].map(told)).toEqual(['expired', 'clock', 'clock', 'malformed', undefined, undefined, 'committed']);
  const refused = (reason: string) => a.node.services.counters.get(`dm_refused_total{reason="${reason}"}`);
  expect(['stale', 'future', 'lifetime', 'malformed', 'bad_signature'].map(refused)).toEqual([2, 1, 1, 1, 1]);
  expect(inbox(a)).toEqual(['x']);
});
