import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bytesEqual,
  encodeDiscovery,
  encodeStrict,
  parseNetworkId,
  RENDEZVOUS_SHARDS,
  rendezvousShard,
  rendezvousTopic,
  SIGNATURE_BYTES,
  signRendezvousRecord,
} from '@muster/protocol';
import type { AgentId, RendezvousFields } from '@muster/protocol';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openSqliteStore } from '../../engines/sqlite-store.ts';
import { HandClock } from '../../testing/hand-clock.ts';
import { crypto as real, freshIdentity } from '../../testing/network.ts';
import type { Crypto } from '../../ports/index.ts';
import { Counters } from '../counters.ts';
import type { Guard, TopicMessage } from '../messaging/pubsub.ts';
import { RendezvousRecords } from './rendezvous-records.ts';
import { Rendezvous } from './rendezvous.ts';

/** Signatures that anybody could make, and that take no time: the clock here stands still until it is told to go on. */
const crypto: Crypto = {
  ...real,
  sign: async (key, message) => made(real.signingKey(key.seed).publicKey, message),
  verify: async (key, message, signature) => bytesEqual(signature, made(key, message)),
};
function made(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const signature = new Uint8Array(SIGNATURE_BYTES);
  signature.set(real.sha256(publicKey, message));
  return signature;
}

const network = parseNetworkId('11'.repeat(32));
const VALID_MS = 60_000;
type Identity = ReturnType<typeof freshIdentity>;

/** ms after which who knows nobody keeps everything */
const KEEP_AFTER_MS = 1_500;

/** Agents that hear each other at once, in a time of their own; what one guard refuses, that agent does not hear. */
class Room {
  readonly clock = new HandClock();
  readonly #counted: Counters[] = [];
  readonly #ears = new Map<AgentId, { guards: Map<string, Guard>; topics: Map<string, (message: TopicMessage) => void> }>();

  enter(
    identity: Identity = freshIdentity(),
    options: { blocked?: readonly AgentId[]; others?: readonly AgentId[]; crowd?: number; turn?: () => number; validityMs?: number } = {},
  ) {
    const directory = mkdtempSync(join(tmpdir(), 'muster-rendezvous-'));
    const store = openSqliteStore(join(directory, 'node.sqlite'));
    const ears = { guards: new Map<string, Guard>(), topics: new Map<string, (message: TopicMessage) => void>() };
    this.#ears.set(identity.agentId, ears);
    const counters = new Counters();
    this.#counted.push(counters);
    const records = new RendezvousRecords({ store, crypto, clock: this.clock, network });
    const blocked = (agent: AgentId): boolean => options.blocked?.includes(agent) ?? false;
    const rendezvous = new Rendezvous({
      identity,
      network,
      records,
      crypto,
      clock: this.clock,
      random: { next: () => this.#ears.size / 10 },
      counters,
      log: { write: () => {} },
      links: { on: () => {}, size: 1 },
      contacts: { blocked, rejects: blocked },
      addresses: () => ['8.8.8.8:1', '127.0.0.1:1'],
      crowd: () => options.crowd ?? 0,
      crowded: () => (options.turn?.() ?? 0) > 0,
      turn: options.turn ?? (() => 0),
      others: () => options.others ?? [],
      validityMs: options.validityMs ?? VALID_MS,
      pubsub: {
        publish: async (topic, payload) => this.say(identity, topic, payload),
        subscribe: (topic, deliver) => {
          ears.topics.set(topic, deliver as (message: TopicMessage) => void);
          return { id: '', topic, [Symbol.dispose]: () => void ears.topics.delete(topic) };
        },
        guard: (topic, guard) => {
          ears.guards.set(topic, guard);
          return { [Symbol.dispose]: () => void ears.guards.delete(topic) };
        },
      },
    });
    onTestFinished(() => {
      rendezvous[Symbol.dispose]();
      store.close();
      rmSync(directory, { recursive: true, force: true });
    });
    return { identity, rendezvous, records, counters, refusals: (reason: string) => counters.get(`rendezvous_refused_total{reason="${reason}"}`) };
  }

  say(from: Identity, topic: string, payload: Uint8Array): void {
    const header = { kind: 'announce', to: topic } as never;
    for (const [agent, { guards, topics }] of this.#ears) {
      if (agent === from.agentId || guards.get(topic)?.({ header, sender: from.agentId, payload }) !== undefined) continue;
      topics.get(topic)?.({
        topic,
        payload,
        sender: from.agentId,
        senderKey: from.agentKey.publicKey,
        envelope: payload,
        trust: null,
        kind: 'announce',
        issued: 0,
      });
    }
  }

  async leave(of: Identity, change: Partial<RendezvousFields> = {}, by: Identity = of, shard: number = rendezvousShard(of.agentId)): Promise<void> {
    const issued = this.clock.now();
    const fields = { network, machine: of.machineId, kemKey: of.kemKey.publicKey, addresses: [], issued, expires: issued + VALID_MS, ...change };
    const record = await signRendezvousRecord(crypto, of.agentKey, fields);
    this.say(by, rendezvousTopic(shard), encodeDiscovery({ kind: 'record', record }));
    await this.clock.pass(0);
  }

  answers(): number {
    return this.#counted.reduce((sum, counters) => sum + counters.get('rendezvous_answers_total'), 0);
  }

  /** Asks as a passer-by, and says how many answered. */
  async ask(agent: AgentId, passBy: Identity = freshIdentity()): Promise<number> {
    const before = this.answers();
    this.say(passBy, rendezvousTopic(rendezvousShard(agent)), encodeDiscovery({ kind: 'ask', agent }));
    await this.clock.pass(300);
    return this.answers() - before;
  }
}

/** Long enough for every verification that is under way. */
async function verified(room: Room, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !condition(); turn++) await room.clock.pass(0);
  expect(condition()).toBe(true);
}

test('who knows nobody keeps nothing until it had time to hear of others, then everything; who knows some keeps its part at once', async () => {
  const room = new Room();
  const [newcomer, familiar] = [room.enter(), room.enter(undefined, { others: [freshIdentity().agentId] })];
  for (const { rendezvous } of [newcomer, familiar]) rendezvous.start();
  expect([newcomer, familiar].map(({ rendezvous }) => rendezvous.shards.length)).toEqual([0, RENDEZVOUS_SHARDS]);
  await room.clock.pass(KEEP_AFTER_MS);
  expect(newcomer.rendezvous.shards).toHaveLength(RENDEZVOUS_SHARDS);
});

test('keepers take in what agents leave, one of them answers, and nobody once it has expired', async () => {
  const room = new Room();
  const keepers = [room.enter(), room.enter(), room.enter()];
  for (const { rendezvous } of keepers) rendezvous.start();
  await room.clock.pass(KEEP_AFTER_MS);
  const agent = freshIdentity();
  await room.leave(agent);
  await verified(room, () => keepers.every(({ records }) => records.get(agent.agentId) !== undefined));
  expect(await room.ask(agent.agentId)).toBe(1);
  expect(await room.ask(freshIdentity().agentId)).toBe(0);
  await room.clock.pass(VALID_MS);
  expect(await room.ask(agent.agentId)).toBe(0);
});

test('an agent leaves its record at the start and again before it expires, without its private addresses', async () => {
  const room = new Room();
  const keeper = room.enter();
  keeper.rendezvous.start();
  const agent = room.enter();
  const { agentId } = agent.identity;
  agent.rendezvous.start();
  await room.clock.pass(3_000);
  await verified(room, () => keeper.records.get(agentId) !== undefined);
  const first = keeper.records.issued(agentId)!;
  await room.clock.pass(VALID_MS * 3);
  await verified(room, () => (keeper.records.issued(agentId) ?? 0) > first + VALID_MS);
  expect(Buffer.from(keeper.records.get(agentId)!).includes('8.8.8.8:1')).toBe(true);
  expect(Buffer.from(keeper.records.get(agentId)!).includes('127.0.0.1')).toBe(false);
  const asking = agent.rendezvous.find(keeper.identity.agentId, 1_000, 2, new AbortController().signal);
  await room.clock.pass(300);
  await verified(room, () => agent.counters.get('rendezvous_asks_total') >= 0);
  expect(await asking).toMatchObject({ agent: keeper.identity.agentId, addresses: ['8.8.8.8:1'] });
});

test.each([
  [63, 2],
  [64, 1],
])('who heard %i agents by then leaves its record %i times', async (crowd, times) => {
  const room = new Room();
  using said = vi.spyOn(room, 'say');
  const { rendezvous } = room.enter(undefined, { crowd });
  rendezvous.start();
  await room.clock.pass(3_000);
  await verified(room, () => said.mock.calls.length > 0);
  await room.clock.pass(10_000);
  await verified(room, () => said.mock.calls.length >= times);
  expect(said.mock.calls.length).toBe(times);
});

test('where many come at once a node leaves its record when its turn comes, and once', async () => {
  const room = new Room();
  using said = vi.spyOn(room, 'say');
  const { rendezvous } = room.enter(undefined, { turn: () => (room.clock.monotonic() < 20_000 ? 6_000 : 0) });
  rendezvous.start();
  await room.clock.pass(20_000);
  expect(said).not.toHaveBeenCalled();
  await room.clock.pass(6_000);
  await verified(room, () => said.mock.calls.length > 0);
  expect(said).toHaveBeenCalledTimes(1);
});

test('what is old, expired, forged, unreadable or of somebody who is blocked is neither kept nor passed on', async () => {
  const room = new Room();
  const agent = freshIdentity();
  const blocked = freshIdentity();
  const { rendezvous, records, refusals } = room.enter(undefined, { blocked: [blocked.agentId] });
  rendezvous.start();
  await room.clock.pass(100_000);
  await room.leave(agent);
  await verified(room, () => records.get(agent.agentId) !== undefined);
  const kept = records.get(agent.agentId);
  const now = room.clock.now();
  await room.leave(agent, { issued: now - 10 });
  await room.leave(agent, { issued: now - 10, expires: now });
  await room.leave(agent, { issued: now + 40_000, expires: now + 50_000 });
  await room.leave(agent, { network: parseNetworkId('22'.repeat(32)) });
  await room.leave(blocked);
  const elsewhere = freshIdentity();
  await room.leave(elsewhere, {}, agent, (rendezvousShard(elsewhere.agentId) + 1) % 16);
  await room.leave({ ...agent, agentKey: { ...agent.agentKey, seed: blocked.agentKey.seed } }, { issued: now + 10 });
  const topic = rendezvousTopic(rendezvousShard(agent.agentId));
  room.say(blocked, topic, encodeStrict([7]));
  room.say(agent, rendezvousTopic((rendezvousShard(agent.agentId) + 1) % 16), encodeDiscovery({ kind: 'ask', agent: agent.agentId }));
  await verified(room, () => refusals('bad_signature') === 1);
  expect(['stale', 'expired', 'future', 'wrong_network', 'rejected', 'malformed'].map(refusals)).toEqual([1, 1, 1, 1, 1, 3]);
  expect([records.get(agent.agentId), records.get(blocked.agentId)]).toEqual([kept, undefined]);
});

test('who looks for a record in a shard that others keep takes it, and does not keep it', async () => {
  const room = new Room();
  const keeper = room.enter();
  keeper.rendezvous.start();
  const others = Array.from({ length: 1_024 }, (_, index) => (index * 2 ** 22).toString(16).padStart(8, '0').padEnd(64, '7') as AgentId);
  const passer = room.enter(undefined, { others });
  passer.rendezvous.start();
  await room.clock.pass(KEEP_AFTER_MS);
  let agent = freshIdentity();
  while (passer.rendezvous.shards.includes(rendezvousShard(agent.agentId))) agent = freshIdentity();
  await room.leave(agent);
  await verified(room, () => keeper.records.get(agent.agentId) !== undefined);
  const asking = passer.rendezvous.find(agent.agentId, 1_000, 2, new AbortController().signal);
  await room.clock.pass(300);
  expect(await asking).toMatchObject({ agent: agent.agentId });
  expect(passer.records.size).toBe(0);
});

test('a crowd that asks gets no more than a bounded number of answers in a second', async () => {
  const room = new Room();
  const { rendezvous, records, counters } = room.enter();
  rendezvous.start();
  await room.clock.pass(KEEP_AFTER_MS);
  const agents = Array.from({ length: 40 }, () => freshIdentity());
  for (const agent of agents) await room.leave(agent);
  await verified(room, () => records.size === agents.length);
  await room.clock.pass(5_000);
  const before = counters.get('rendezvous_answers_total');
  await Promise.all(agents.map(({ agentId }) => room.ask(agentId)));
  expect(counters.get('rendezvous_answers_total') - before).toBe(32);
  expect(counters.get('rendezvous_answers_skipped_total')).toBe(8);
});
