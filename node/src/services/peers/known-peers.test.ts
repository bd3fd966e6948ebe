import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentId, UserId } from '@muster/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../engines/sqlite-store.ts';
import type { Store } from '../../ports/index.ts';
import { clock, freshIdentity } from '../../testing/network.ts';
import { KnownPeers } from './known-peers.ts';

let directory: string;
let store: Store;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'muster-peers-'));
  store = openSqliteStore(join(directory, 'node.sqlite'));
});
afterEach(async () => {
  store.close();
  await rm(directory, { recursive: true, force: true });
});

test('what is learnt adds up while the agent stays on its machine, and starts anew on another', () => {
  const peers = new KnownPeers(store, clock, () => false);
  const { agentId, machineId, kemKey } = freshIdentity();
  const user = 'aa'.repeat(32) as UserId;
  peers.learn(agentId, machineId, { addresses: ['a:1'], kemKey: kemKey.publicKey, user });
  peers.learn(agentId, machineId, { addresses: ['b:2', 'a:1'] });
  expect(peers.get(agentId)).toMatchObject({ addresses: ['b:2', 'a:1'], user, kemKey: expect.any(String), agentKey: null });
  const moved = freshIdentity().machineId;
  peers.learn(agentId, moved, {});
  expect(peers.get(agentId)).toMatchObject({ machine: moved, addresses: [], user: null, kemKey: expect.any(String) });
  expect([peers.byMachine(moved)?.agent, peers.byMachine(machineId)]).toEqual([agentId, undefined]);
});

test('endless peers are forgotten again, those to be kept never', () => {
  const agent = (index: number) => index.toString(16).padStart(64, '0') as AgentId;
  const peers = new KnownPeers(store, clock, (candidate) => candidate === agent(0));
  const { machineId } = freshIdentity();
  for (let index = 0; index < 4_700; index++) peers.learn(agent(index), machineId, { addresses: ['a:1'] });
  expect(peers.all().length).toBeLessThanOrEqual(4_096);
  expect(peers.get(agent(0))).toBeDefined();
  expect(peers.get(agent(4_699))).toBeDefined();
});

test('tells who spoke for itself since when, and what it signed last, also what an earlier run of the node learnt', () => {
  const [said, told, late] = [freshIdentity(), freshIdentity(), freshIdentity()];
  const peers = new KnownPeers(store, clock, () => false);
  peers.learn(said.agentId, said.machineId, { announced: 1_000, issued: 7 });
  peers.learn(told.agentId, told.machineId, { addresses: ['a:1'] });
  const again = new KnownPeers(store, clock, () => false);
  for (const each of [peers, again]) {
    expect([each.issued(said.agentId), each.issued(told.agentId), each.issued(late.agentId)]).toEqual([7, undefined, undefined]);
    expect([each.spoke(1_000), each.spoke(1_001)]).toEqual([[said.agentId], []]);
  }
  again.learn(late.agentId, late.machineId, { announced: 2_000, issued: 9 });
  again.heard(said.agentId, said.machineId, 2_000);
  expect(again.spoke(2_000).toSorted()).toEqual([said.agentId, late.agentId].toSorted());
  expect(again.issued(late.agentId)).toBe(9);
});

test('of strangers that were asked for nothing is kept', () => {
  const { agentId, machineId } = freshIdentity();
  const peers = new KnownPeers(store, clock, () => false);
  expect(peers.issued(agentId)).toBeUndefined();
  new KnownPeers(store, clock, () => false).learn(agentId, machineId, { issued: 9 });
  expect(peers.issued(agentId)).toBe(9);
});
