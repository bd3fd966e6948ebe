import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTrust } from '@muster/protocol';
import type { UserId } from '@muster/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../engines/sqlite-store.ts';
import type { Clock } from '../../ports/index.ts';
import { clock, eventually, freshIdentity, startNode, twoLinkedNodes } from '../../testing/network.ts';
import { ContactStore } from '../contacts/contact-store.ts';
import { KnownPeers } from '../peers/known-peers.ts';
import { DiscoveredAgents } from './discovered-agents.ts';

/** The cache over a real store and a node without links, at a time of one's own. */
async function cacheAt(start: number) {
  const directory = await mkdtemp(join(tmpdir(), 'muster-discovery-'));
  const store = openSqliteStore(join(directory, 'node.sqlite'));
  const node = await startNode();
  onTestFinished(async () => {
    await node[Symbol.asyncDispose]();
    store.close();
    await rm(directory, { recursive: true, force: true });
  });
  const time = { seconds: start };
  const own: Clock = { ...clock, now: () => time.seconds * 1_000 };
  const peers = new KnownPeers(store, own, () => false);
  const contacts = new ContactStore(store, own);
  return { time, peers, cache: new DiscoveredAgents({ peers, contacts, links: node.node.services.links, clock: own, ttlSecs: 900 }) };
}

test('an agent leaves the list 900 s after its last word, and stays in the whole one', async () => {
  const { time, peers, cache } = await cacheAt(10_000);
  const { agentId, machineId } = freshIdentity();
  const user = 'aa'.repeat(32) as UserId;
  peers.learn(agentId, machineId, { addresses: ['127.0.0.1:1'], user, announced: true });
  time.seconds += 900;
  expect([cache.recent().length, cache.ofUser(user).length]).toEqual([1, 1]);
  time.seconds += 1;
  // Neither does a card make it any younger.
  peers.learn(agentId, machineId, { addresses: ['127.0.0.1:2'] });
  expect([cache.recent().length, cache.ofUser(user).length, cache.all().length]).toEqual([0, 0, 1]);
  expect(cache.get(agentId)).toMatchObject({ announcedAt: 10_000, lastSeen: 10_000 });
});

test('a link that ended counts as a word, an announcement it is not', async () => {
  const { time, peers, cache } = await cacheAt(10_000);
  const { agentId, machineId } = freshIdentity();
  const user = 'aa'.repeat(32) as UserId;
  peers.learn(agentId, machineId, { user, announced: true });
  peers.heard(agentId, machineId, 10_500);
  peers.heard(agentId, freshIdentity().machineId, 10_900);
  time.seconds = 11_000;
  expect(cache.recent()).toMatchObject([{ announcedAt: 10_000, lastSeen: 10_500 }]);
  expect(cache.ofUser(user)).toEqual([]);
});

test('who moved to another machine is discovered there, once it says so', async () => {
  const { peers, cache } = await cacheAt(10_000);
  const { agentId, machineId } = freshIdentity();
  const moved = freshIdentity().machineId;
  peers.learn(agentId, machineId, { announced: true });
  peers.learn(agentId, moved, {});
  expect(cache.all()).toEqual([]);
  peers.learn(agentId, moved, { announced: true });
  expect(cache.onMachine(moved)).toMatchObject([{ agent: agentId }]);
});

test('waiting ends with the call', async () => {
  const { cache } = await cacheAt(10_000);
  expect(await cache.heard(() => true, AbortSignal.abort(), 10_000)).toBe(false);
});

test('while linked an agent is seen as its link is heard, unless it is blocked', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const { contacts, links } = a.node.services;
  const later: Clock = { ...clock, now: () => clock.now() + 60_000 };
  const directory = await mkdtemp(join(tmpdir(), 'muster-discovery-'));
  const store = openSqliteStore(join(directory, 'node.sqlite'));
  onTestFinished(async () => {
    store.close();
    await rm(directory, { recursive: true, force: true });
  });
  const peers = new KnownPeers(store, clock, () => false);
  peers.learn(b.identity.agentId, b.identity.machineId, { announced: true });
  const cache = new DiscoveredAgents({ peers, contacts, links, clock: later, ttlSecs: 900 });
  const silence = (): number => {
    const { lastSeen, announcedAt } = cache.get(b.identity.agentId)!;
    return lastSeen - announcedAt;
  };
  await eventually('the link counts', () => silence() > 30);
  contacts.update(b.identity.agentId, (standing, now) => setTrust(standing, 'blocked', now));
  expect(silence()).toBe(0);
});
