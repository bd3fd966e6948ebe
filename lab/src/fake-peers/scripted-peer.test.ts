import { type MachineId, type NetworkId, utf8Bytes } from '@muster/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { startDaemon, TEST_NETWORK, type TestDaemon } from '../testing/daemons.ts';
import {
  directEnvelope, futureTimes, inTheNameOf, oversizeFrameHead, publishEnvelope, staleTimes, withForgedSignature,
} from './envelopes.ts'; // prettier-ignore
import { PeerLinkClosed } from './peer-link.ts';
import { ScriptedPeer, type ScriptedPeerOptions } from './scripted-peer.ts';

interface Victim extends TestDaemon {
  readonly peer: (options?: Partial<ScriptedPeerOptions>) => ScriptedPeer;
}

async function aNode(bootstrapPeers: readonly string[] = []): Promise<Victim> {
  const peer = (options: Partial<ScriptedPeerOptions> = {}): ScriptedPeer => {
    const made = new ScriptedPeer({ network: TEST_NETWORK, ...options });
    onTestFinished(() => made[Symbol.asyncDispose]());
    return made;
  };
  return { ...(await startDaemon(bootstrapPeers)), peer };
}

const soon = <T>(what: string, condition: () => Promise<T> | T) => eventually(systemClock, condition, { within: 5000, what });
const text = (base64: string) => Buffer.from(base64, 'base64').toString();

/** Payload texts of what the node delivers on a topic, as they arrive. */
async function subscribed({ client }: Victim, topic: string): Promise<string[]> {
  const arrived: string[] = [];
  await client.messaging.subscribe({ topic });
  const stream = client.messaging.events();
  await stream.opened;
  void (async () => {
    for await (const { event, data } of stream) if (event === 'message') arrived.push(text(data.data.payload));
  })().catch(() => undefined);
  onTestFinished(() => stream.close());
  return arrived;
}

test('an honest scripted peer is a peer like any other', async () => {
  const victim = await aNode();
  const peer = victim.peer();
  const link = await peer.dial(victim.daemon.bindAddress, victim.daemon.identity.machineId);
  expect(link.hello?.agent).toBe(victim.daemon.identity.agentId);
  await soon('one peer', async () => (await victim.client.status.health()).peers === 1);
  const arrived = await subscribed(victim, 'greetings');
  link.send({ kind: 'publish', envelope: await publishEnvelope(peer, 'greetings', utf8Bytes('hello'), { issued: Date.now() }) });
  await soon('the message', () => arrived.includes('hello'));
  link.send({ kind: 'direct', envelope: await directEnvelope(peer, victim.daemon.identity.agentId, utf8Bytes('psst'), { issued: Date.now() }) });
  expect((await link.next('direct_ack')).outcome).toEqual({ kind: 'committed' });
});

test('a peer of another network is sent away with the reason', async () => {
  const victim = await aNode();
  const stranger = victim.peer({ hello: { network: 'ff'.repeat(32) as NetworkId } });
  const refusal = stranger.dial(victim.daemon.bindAddress);
  await expect(refusal).rejects.toThrow(PeerLinkClosed);
  await expect(refusal).rejects.toMatchObject({ goodbye: 'wrong_network' });
  expect((await victim.client.status.health()).peers).toBe(0);
});

test('forged, replayed, stale, future and unwanted messages are dropped, and honest ones go on', async () => {
  const victim = await aNode();
  const peer = victim.peer();
  const arrived = await subscribed(victim, 'topic');
  const link = await peer.dial(victim.daemon.bindAddress);
  const now = Date.now();
  const publish = (envelope: Uint8Array) => link.send({ kind: 'publish', envelope });
  const honest = await publishEnvelope(peer, 'topic', utf8Bytes('honest'), { issued: now });
  const other = peer.crypto.signingKey();
  publish(honest);
  publish(honest);
  publish(withForgedSignature(await publishEnvelope(peer, 'topic', utf8Bytes('forged'), { issued: now })));
  publish(await publishEnvelope(inTheNameOf(peer, other.publicKey), 'topic', utf8Bytes('impostor'), { issued: now }));
  publish(await publishEnvelope(peer, 'topic', utf8Bytes('stale'), staleTimes(now, 60_000)));
  publish(await publishEnvelope(peer, 'topic', utf8Bytes('future'), futureTimes(now, 120_000)));
  publish(await publishEnvelope(peer, 'elsewhere', utf8Bytes('unsubscribed'), { issued: now }));
  publish(await publishEnvelope(peer, 'topic', utf8Bytes('last'), { issued: now }));
  await soon('the last message', () => arrived.includes('last'));
  expect(arrived).toEqual(['honest', 'last']);
});

test.for<[string, (link: Awaited<ReturnType<ScriptedPeer['dial']>>) => void]>([
  ['a frame over the limit', (link) => link.sendBytes(oversizeFrameHead())],
  ['a malformed message', (link) => link.sendFrame({ lane: 0, type: 5, body: Uint8Array.of(0xff) })],
])('%s ends the link, not the node', async ([, misbehave]) => {
  const victim = await aNode();
  const link = await victim.peer().dial(victim.daemon.bindAddress);
  misbehave(link);
  await link.closed;
  expect((await victim.client.status.health()).status).toBe('healthy');
  await victim.peer().dial(victim.daemon.bindAddress);
});

test('a peer that dials can be met as one that listens', async () => {
  const peer = new ScriptedPeer({ network: TEST_NETWORK });
  onTestFinished(() => peer[Symbol.asyncDispose]());
  const greeted = Promise.withResolvers<string>();
  const address = await peer.listen((link) => void peer.greet(link).then(({ agent }) => greeted.resolve(agent), greeted.reject));
  const victim = await aNode([address]);
  expect(await greeted.promise).toBe(victim.daemon.identity.agentId);
});

test('a peer that answers no pings is noticed within 15 s', { timeout: 20_000 }, async () => {
  const victim = await aNode();
  const [deaf, silent] = [victim.peer({ answersPings: false }), victim.peer()];
  const links = [await deaf.dial(victim.daemon.bindAddress), await silent.dial(victim.daemon.bindAddress)];
  await soon('two peers', async () => (await victim.client.status.health()).peers === 2);
  links[1]!.fallSilent();
  const nobody = async () => (await victim.client.status.health()).peers === 0;
  await eventually(systemClock, nobody, { within: 15_000, every: 100, what: 'both noticed' });
});

test('whoever answers with another machine key is not taken for the one that was dialled', async () => {
  const victim = await aNode();
  await expect(victim.peer().connect(victim.daemon.bindAddress, '11'.repeat(32) as MachineId)).rejects.toMatchObject({ code: 'wrong_machine' });
});
