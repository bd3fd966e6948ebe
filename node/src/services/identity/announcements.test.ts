import { addMachine, ANNOUNCE_TOPIC, encodeDiscovery, encodeStrict, encodeUserCertificate, idBytes, identityTopic, issueUserCertificate, pin, sealEnvelope, setTrust } from '@muster/protocol'; // prettier-ignore
import type { Announcement, Contact, MachineId } from '@muster/protocol';
import { expect, test } from 'vitest';
import {
  clock,
  crypto,
  eventually,
  fillingDisk,
  freshIdentity,
  linked,
  nodesInLine,
  startNode,
  TEST_NETWORK,
  twoLinkedNodes,
} from '../../testing/network.ts';
import type { NodeOptions, TestNode } from '../../testing/network.ts';

const counter = (node: TestNode, name: string): number => node.node.services.counters.get(name);
const refused = (node: TestNode, reason: string): number => counter(node, `announcements_refused_total{reason="${reason}"}`);
const accepted = (node: TestNode): number => counter(node, 'announcements_accepted_total');
const contact = (at: TestNode, of: TestNode): Contact | undefined => at.node.services.contacts.standing(of.identity.agentId).contact;
/** What `at` tells of `of` over its API. */
async function known(at: TestNode, of: TestNode) {
  const { agents } = (await at.node.handlers['discovery.agents']({ unfiltered: true }, {} as never)) as { agents: { agent_id: string }[] };
  return agents.find(({ agent_id }) => agent_id === of.identity.agentId) as
    | { machine_id: string; user_id: string | null; addresses: string[] }
    | undefined;
}

function body(from: TestNode, change: Partial<Announcement> = {}): Uint8Array {
  const { machineId: machine, kemKey } = from.identity;
  return encodeDiscovery({ kind: 'announcement', machine, kemKey: kemKey.publicKey, addresses: ['8.8.8.8:1'], certificate: null, ...change });
}

const say = (from: TestNode, payload: Uint8Array, topic = ANNOUNCE_TOPIC) => from.node.services.pubsub.publish(topic, payload, 'announce');

/** Nodes that only speak when a test has them speak. */
const quiet: NodeOptions = { discovery: { rendezvousValidityMs: undefined } };

test('an announcement makes the agent a contact with a machine, and keys to check its signatures by', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  await say(a, body(a));
  await eventually('it was kept', () => accepted(b) > 0);
  expect(contact(b, a)).toMatchObject({ trust: 'unknown', identity: 'anonymous', machines: [{ machine: a.identity.machineId, pinned: false }] });
});

test('an agent is heard of by those that it has no link with, soon after it joined', async () => {
  await using nodes = await nodesInLine(3, quiet);
  const [a, , c] = nodes;
  await eventually('the ends know each other', async () => (await known(a, c)) !== undefined && (await known(c, a)) !== undefined);
  expect([a.node.services.links.size, c.node.services.links.size]).toEqual([1, 1]);
});

test('public addresses of a node reach those that it has no link with, the others stay where they are', async () => {
  await using nodes = await nodesInLine(3, { ...quiet, externalAddresses: ['8.8.8.8:7', '192.168.1.7:7'] });
  const [a, b, c] = nodes;
  await eventually('the ends know each other', async () => (await known(c, a)) !== undefined && (await known(b, a)) !== undefined);
  expect((await known(c, a))?.addresses).toEqual(['8.8.8.8:7']);
  expect((await known(b, a))?.addresses).toContain(a.address);
  const { card } = (await a.node.handlers['identity.card']({}, {} as never)) as { card: { addresses: string[] } };
  expect(card.addresses).toEqual(['8.8.8.8:7']);
});

test('at join an agent announces itself, and again 3 s later: never twice in a moment', async () => {
  const said: number[] = [];
  await using b = await startNode(quiet);
  const identity = freshIdentity();
  b.node.services.pubsub.subscribe(ANNOUNCE_TOPIC, ({ sender, issued }) => void (sender === identity.agentId && said.push(issued)));
  await using _a = await startNode({ ...quiet, identity, bootstrapPeers: [b.address] });
  const begun = clock.now();
  await eventually('it was said again', () => said.length > 0 && said.at(-1)! >= begun + 2_900, 6_000);
  expect(said.length).toBeGreaterThanOrEqual(2);
  expect(said[0]! - begun).toBeLessThan(2_500);
  for (const [index, at] of said.slice(1).entries()) expect(at - said[index]!).toBeGreaterThanOrEqual(1_000);
});

test('what is no announcement, or vouched for by nobody, is refused and counted', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const user = crypto.signingKey();
  const forAnother = await issueUserCertificate(crypto, user, freshIdentity().agentKey.publicKey, 1);
  const mine = await issueUserCertificate(crypto, user, a.identity.agentKey.publicKey, 1);
  const forged = { ...mine, signature: mine.signature.map((byte, index) => (index === 9 ? byte ^ 1 : byte)) };
  const kem = a.identity.kemKey.publicKey;
  const malformed = [
    Uint8Array.of(1, 2, 3),
    encodeStrict(null),
    encodeStrict([]),
    encodeStrict([0, new Uint8Array(31), kem, [], null]),
    encodeStrict([0, idBytes(a.identity.machineId), kem, 'none', null]),
    encodeStrict([0, idBytes(a.identity.machineId), kem, Array.from({ length: 2_000 }, () => '8.8.8.8:1'), null]),
    encodeDiscovery({ kind: 'record', record: Uint8Array.of(1) }),
  ];
  for (const payload of malformed) await say(a, payload);
  await say(a, body(a), identityTopic(b.identity.agentId));
  await eventually('all were refused', () => refused(b, 'malformed') >= malformed.length + 1);
  const vouched = [Uint8Array.of(1), encodeUserCertificate(forAnother), encodeUserCertificate(forged)];
  for (const certificate of vouched) await say(a, body(a, { certificate }));
  await eventually('so were the certificates', () => refused(b, 'certificate') >= vouched.length);
  expect((await known(b, a))?.user_id).toBeNull();
  await say(a, body(a, { certificate: encodeUserCertificate(mine) }));
  await eventually('the good one was kept', async () => (await known(b, a))?.user_id !== null);
  await say(a, body(a));
  await eventually('and what was taken back is forgotten', async () => (await known(b, a))?.user_id === null);
});

test('announcements of blocked senders, and from other machines than the pinned one, change nothing and go no further', async () => {
  await using nodes = await nodesInLine(3, quiet);
  const [a, b, c] = nodes;
  await eventually('the first words were heard', async () => (await known(c, a)) !== undefined && contact(b, a) !== undefined);
  const other = freshIdentity().machineId;
  const { contacts } = b.node.services;
  contacts.update(a.identity.agentId, (standing, now) => pin(addMachine(setTrust(standing, 'known', now), other, now), other));
  const before = accepted(c);
  await say(a, body(a, { addresses: ['9.9.9.9:9'] }));
  await eventually('it was refused', () => refused(b, 'machine') >= 1);
  contacts.update(a.identity.agentId, (standing, now) => setTrust(standing, 'blocked', now));
  const rejected = () => counter(b, 'gossip_rejected_total{reason="sender_blocked"}');
  await say(a, body(a, { machine: other, addresses: ['9.9.9.9:9'] }));
  await eventually('it did not even get that far', () => rejected() > 0);
  await say(b, body(b));
  await eventually('what is heard is passed on', () => accepted(c) > before);
  expect(contact(c, a)?.machines.map(({ machine }) => machine)).toEqual([a.identity.machineId]);
  expect((await known(c, a))?.addresses).not.toContain('9.9.9.9:9');
  expect((await known(b, a))?.addresses).not.toContain('9.9.9.9:9');
});

test('an announcement that is older than what is known, or too old by itself, is neither kept nor passed on', async () => {
  await using nodes = await nodesInLine(2, quiet);
  await using last = await startNode({ ...quiet, bootstrapPeers: [nodes[1].address] });
  const [b, c] = [nodes[1], last];
  await linked(b, c);
  const stranger = freshIdentity();
  const at = (issued: number, address: string, machine: MachineId = stranger.machineId): Promise<Uint8Array> => {
    const said: Announcement = { kind: 'announcement', machine, kemKey: stranger.kemKey.publicKey, addresses: [address], certificate: null };
    return sealEnvelope(crypto, stranger.agentKey, {
      kind: 'announce',
      network: TEST_NETWORK,
      to: ANNOUNCE_TOPIC,
      payload: encodeDiscovery(said),
      issued,
      expires: issued + 500_000,
    });
  };
  const entry = (node: TestNode) => known(node, { identity: stranger } as TestNode);
  const carrier = nodes[0].node.services.links.toMachine(b.identity.machineId)!;
  const now = clock.now();
  carrier.send({ kind: 'publish', envelope: await at(now, '8.8.8.8:2') });
  await eventually('the later one is everywhere', async () => (await entry(c)) !== undefined);
  carrier.send({ kind: 'publish', envelope: await at(now - 1_000, '8.8.8.8:1') });
  await eventually('the older one was refused', () => refused(b, 'stale') === 1);
  expect((await entry(b))?.addresses).toEqual(['8.8.8.8:2']);

  const brief = await startNode({ discovery: { ttlMs: 10_000, rendezvousValidityMs: undefined }, bootstrapPeers: [b.address] });
  await using _brief = brief;
  await linked(b, brief);
  const toBrief = b.node.services.links.toMachine(brief.identity.machineId)!;
  toBrief.send({ kind: 'publish', envelope: await at(now - 45_000, '8.8.8.8:1') });
  await eventually('so was one older than the time to live', () => refused(brief, 'stale') === 1);
  expect([await entry(brief), refused(c, 'stale')]).toEqual([undefined, 0]);
});

test('heartbeats come by themselves, in the interval that was configured, and repeat a consent', async () => {
  const user = crypto.signingKey();
  const identity = freshIdentity();
  const certificate = await issueUserCertificate(crypto, user, identity.agentKey.publicKey, 1);
  await using b = await startNode(quiet);
  await using a = await startNode({
    discovery: { heartbeatMs: 200 },
    bootstrapPeers: [b.address],
    identity: { ...identity, user: { id: 'cd'.repeat(32) as never, certificate } },
  });
  await eventually('a few were heard', () => accepted(b) >= 6);
  expect((await known(b, a))?.user_id).toBeNull();
  const answer = a.node.handlers['identity.announce']({ include_user_identity: true, human_consent: true }, {} as never);
  await answer;
  await eventually('the user is disclosed', async () => (await known(b, a))?.user_id !== null);
  const before = accepted(b);
  await eventually('heartbeats went on', () => accepted(b) >= before + 3);
  expect((await known(b, a))?.user_id).not.toBeNull();
  await a.node.handlers['identity.announce']({ include_user_identity: false, human_consent: false }, {} as never);
  await eventually('it is taken back', async () => (await known(b, a))?.user_id === null);
});

test('an agent that claims one machine after another fills nobody’s contact; what a person labelled stays', async () => {
  await using a = await startNode();
  const { contacts } = a.node.services;
  const stranger = freshIdentity().agentId;
  const kept = freshIdentity().machineId;
  contacts.update(stranger, (standing, now) => addMachine(standing, kept, now, 'desk'));
  for (let index = 0; index < 40; index++) contacts.heardOf(stranger, index.toString(16).padStart(64, '0') as typeof kept);
  const machines = contacts.standing(stranger).contact!.machines.map(({ machine }) => machine);
  expect(machines).toHaveLength(17);
  expect(machines).toContain(kept);
});

test('endless agents are forgotten again, those that a person chose never', async () => {
  await using a = await startNode();
  const { contacts } = a.node.services;
  const { machineId } = freshIdentity();
  const agent = (index: number) => index.toString(16).padStart(64, '0') as typeof a.identity.agentId;
  contacts.heardOf(agent(0), machineId);
  contacts.update(agent(0), (standing, now) => setTrust(standing, 'known', now));
  contacts.update(agent(1), (standing, now) => setTrust(standing, 'unknown', now));
  for (let index = 2; index < 4_700; index++) contacts.heardOf(agent(index), machineId);
  expect(contacts.contacts().length).toBeLessThanOrEqual(4_098);
  expect([0, 1, 4_699].map((index) => contacts.standing(agent(index)).contact?.agent)).toEqual([agent(0), agent(1), agent(4_699)]);
});

test('an announcement that the disk does not take costs nothing but itself', async () => {
  const disk = fillingDisk('relaxed');
  await using b = await startNode({ wrap: disk.wrap });
  await using a = await startNode({ bootstrapPeers: [b.address] });
  await eventually('they are linked', () => b.node.services.links.size === 1 && a.node.services.links.size === 1);
  disk.full = true;
  const before = refused(b, 'storage');
  await say(a, body(a));
  await eventually('it was refused', () => refused(b, 'storage') > before);
  disk.full = false;
  await say(a, body(a));
  await eventually('the next is kept', () => accepted(b) > 0);
});

test('who is asked again and again answers twice a second at most', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const { agentId } = a.identity;
  const topic = identityTopic(agentId);
  let answers = 0;
  using _heard = b.node.services.pubsub.subscribe(topic, ({ sender }) => void (sender === agentId && answers++));
  const begun = performance.now();
  for (let ask = 1; ask <= 20; ask++) await say(b, encodeDiscovery({ kind: 'ask', agent: agentId }), topic);
  await eventually('all asks came', () => counter(a, 'discovery_asks_total') === 20);
  await eventually('it answered', () => answers > 0);
  expect(answers).toBeLessThanOrEqual(1 + Math.floor((performance.now() - begun) / 500));
});
