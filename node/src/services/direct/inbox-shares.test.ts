import type { AgentId, MachineId, TrustDecision } from '@muster/protocol';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../engines/sqlite-store.ts';
import type { Store } from '../../ports/index.ts';
import { clock, crypto } from '../../testing/network.ts';
import { Inbox } from './inbox.ts';

const LIMIT = 100;
const agent = (index: number) => index.toString(16).padStart(64, '0') as AgentId;

async function inboxOn(): Promise<{ store: Store; open: () => Inbox }> {
  const directory = await mkdtemp(join(tmpdir(), 'muster-shares-'));
  const store = openSqliteStore(join(directory, 'node.sqlite'));
  onTestFinished(async () => {
    store.close();
    await rm(directory, { recursive: true, force: true });
  });
  // Nothing here is about the disk.
  const relaxed: Store = {
    get: (key) => store.get(key),
    range: (range) => store.range(range),
    count: (prefix) => store.count(prefix),
    batch: (writes) => store.batch(writes, 'relaxed'),
    close: () => store.close(),
  };
  return { store, open: () => new Inbox(relaxed, clock, crypto, { write: () => {} }, LIMIT) };
}

function take(inbox: Inbox, sender: AgentId, decision: TrustDecision, times: number): void {
  const origin = { sender, machine: agent(0) as string as MachineId, decision, staleAfter: clock.now() };
  for (let n = 0; n < times; n++) inbox.take({ requestId: crypto.randomBytes(16), payload: new Uint8Array(3) }, origin);
}

const held = (inbox: Inbox, sender: AgentId): number => inbox.read(undefined, 10_000).filter((message) => message.sender === sender).length;

test('one sender cannot push out what others sent, strangers or not', async () => {
  const { open } = await inboxOn();
  const inbox = open();
  take(inbox, agent(1), 'accept', 20);
  take(inbox, agent(2), 'unknown', 20);
  take(inbox, agent(3), 'unknown', 1_000);
  expect([held(inbox, agent(1)), held(inbox, agent(2))]).toEqual([20, 20]);
  take(inbox, agent(4), 'accept_with_flag', 1_000);
  expect([held(inbox, agent(1)), held(inbox, agent(2))]).toEqual([20, 20]);
  expect(inbox.read(undefined, 10_000).length).toBeLessThanOrEqual(LIMIT + 500);
});

test('a crowd of strangers cannot push out what chosen agents sent', async () => {
  const { open } = await inboxOn();
  const inbox = open();
  take(inbox, agent(1), 'accept', 45);
  for (let index = 0; index < 1_500; index++) take(inbox, agent(10 + index), 'unknown', 1);
  expect(held(inbox, agent(1))).toBe(45);
});

test('shares are known after a new start, and found out where nothing is known of them', async () => {
  const { store, open } = await inboxOn();
  take(open(), agent(1), 'accept', 30);
  take(open(), agent(2), 'accept', 300);
  const old = store.range({ prefix: 'inbox-of/' });
  store.batch(
    old.map(({ key }) => ({ key, value: null })),
    'relaxed',
  );
  const inbox = open();
  expect(store.count('inbox-of/')).toBe(330);
  take(inbox, agent(2), 'accept', 400);
  expect([held(inbox, agent(1)), store.count('inbox-of/')]).toEqual([30, inbox.read(undefined, 10_000).length]);
});
