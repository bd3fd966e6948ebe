import { addMachine, encodeStrict, encodeUserCertificate, idBytes, issueUserCertificate, pin, setTrust } from '@muster/protocol';
import type { Contact } from '@muster/protocol';
import { expect, test } from 'vitest';
import { crypto, eventually, fillingDisk, freshIdentity, startNode, twoLinkedNodes } from '../../testing/network.ts';
import type { TestNode } from '../../testing/network.ts';
import { ANNOUNCE_TOPIC } from './announcements.ts';

const refused = (node: TestNode): number => node.node.services.counters.get('announcements_refused_total');
const accepted = (node: TestNode): number => node.node.services.counters.get('announcements_accepted_total');
const contact = (at: TestNode, of: TestNode): Contact | undefined => at.node.services.contacts.standing(of.identity.agentId).contact;

function body(from: TestNode, change: object = {}): Uint8Array {
  const { machineId, kemKey } = from.identity;
  return encodeStrict({ addresses: ['8.8.8.8:1'], certificate: null, kem: kemKey.publicKey, machine: idBytes(machineId), ...change });
}

const say = (from: TestNode, payload: Uint8Array) => from.node.services.pubsub.publish(ANNOUNCE_TOPIC, payload, 'announce');

test('an announcement makes the agent a contact with a machine, and keys to check its signatures by', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  await say(a, body(a));
  await eventually('it was kept', () => accepted(b) > 0);
  expect(contact(b, a)).toMatchObject({ trust: 'unknown', identity: 'anonymous', machines: [{ machine: a.identity.machineId, pinned: false }] });
});

test('what is no announcement, or vouched for by nobody, is refused and counted', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const user = crypto.signingKey();
  const forAnother = await issueUserCertificate(crypto, user, freshIdentity().agentKey.publicKey, 1);
  const mine = await issueUserCertificate(crypto, user, a.identity.agentKey.publicKey, 1);
  const forged = { ...mine, signature: mine.signature.map((byte, index) => (index === 9 ? byte ^ 1 : byte)) };
  const bad = [
    Uint8Array.of(1, 2, 3),
    encodeStrict(null),
    encodeStrict([]),
    body(a, { machine: new Uint8Array(31) }),
    body(a, { kem: new Uint8Array(1_183) }),
    body(a, { addresses: 'none' }),
    body(a, { certificate: 7 }),
    body(a, { certificate: encodeUserCertificate(forAnother) }),
    body(a, { certificate: encodeUserCertificate(forged) }),
    body(a, { addresses: Array.from({ length: 2_000 }, () => '8.8.8.8:1') }),
  ];
  for (const payload of bad) await say(a, payload);
  await eventually('all were refused', () => refused(b) >= bad.length);
  expect(refused(b)).toBe(bad.length);
  await say(a, body(a, { certificate: encodeUserCertificate(mine) }));
  await eventually('the good one was kept', () => accepted(b) > 0);
});

test('announcements of blocked senders, and from other machines than the pinned one, change nothing', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const other = freshIdentity().machineId;
  const { contacts } = b.node.services;
  contacts.update(a.identity.agentId, (standing, now) => pin(addMachine(setTrust(standing, 'known', now), other, now), other));
  await say(a, body(a));
  await eventually('it was refused', () => refused(b) >= 1);
  expect(contact(b, a)!.machines.map(({ machine }) => machine)).toEqual([other]);
  contacts.update(a.identity.agentId, (standing, now) => setTrust(standing, 'blocked', now));
  const rejected = () => b.node.services.counters.get('gossip_rejected_total{reason="sender_blocked"}');
  await say(a, body(a, { machine: idBytes(other) }));
  await eventually('it did not even get that far', () => rejected() > 0);
  expect(contact(b, a)!.lastSeen).toBeNull();
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
  const before = refused(b);
  await say(a, body(a));
  await eventually('it was refused', () => refused(b) > before);
  disk.full = false;
  await say(a, body(a));
  await eventually('the next is kept', () => accepted(b) > 0);
});
