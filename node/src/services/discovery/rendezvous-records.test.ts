import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { idOfKey, parseNetworkId, signRendezvousRecord, verifyRendezvousRecord } from '@muster/protocol';
import type { AgentId } from '@muster/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../engines/sqlite-store.ts';
import { clock, crypto, freshIdentity } from '../../testing/network.ts';
import { RendezvousRecords } from './rendezvous-records.ts';

const network = parseNetworkId('11'.repeat(32));
const { machineId: machine, kemKey } = freshIdentity();
const VALID_MS = 60_000;
const START = 1_800_000_000_000;

function freshStore() {
  const directory = mkdtempSync(join(tmpdir(), 'muster-records-'));
  const store = openSqliteStore(join(directory, 'node.sqlite'));
  onTestFinished(() => {
    store.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return store;
}

async function recordOf(key: ReturnType<typeof crypto.signingKey>, issued: number) {
  const fields = { network, machine, kemKey: kemKey.publicKey, addresses: [], issued, expires: issued + VALID_MS };
  const bytes = await signRendezvousRecord(crypto, key, fields);
  return { bytes, record: await verifyRendezvousRecord(crypto, bytes, { now: issued, network }) };
}

test('the latest record of an agent is given until it expires, across restarts, and no longer', async () => {
  const time = { now: START };
  const parts = { store: freshStore(), crypto, clock: { ...clock, now: () => time.now }, network };
  const key = crypto.signingKey();
  const agent = idOfKey<AgentId>(crypto, key.publicKey);
  const [old, late] = [await recordOf(key, START - 10), await recordOf(key, START)];
  const records = new RendezvousRecords(parts);
  records.keep(late.record, late.bytes);
  records.keep(old.record, old.bytes);
  expect(records.get(agent)).toEqual(late.bytes);

  time.now += VALID_MS - 1;
  expect(new RendezvousRecords(parts).get(agent)).toEqual(late.bytes);
  time.now += 1;
  expect([records.get(agent), records.issued(agent), parts.store.count('')]).toEqual([undefined, undefined, 0]);
  parts.store.batch([{ key: `rendezvous/${agent}`, value: late.bytes }], 'relaxed');
  expect(new RendezvousRecords(parts).get(agent)).toBeUndefined();
  expect(parts.store.count('')).toBe(0);
});

test('a crowd of agents pushes out those not renewed for longest, on disk too', async () => {
  const parts = { store: freshStore(), crypto, clock: { ...clock, now: () => START }, network };
  const records = new RendezvousRecords(parts);
  const { bytes, record } = await recordOf(crypto.signingKey(), START);
  const agent = (index: number): AgentId => index.toString(16).padStart(64, '0') as AgentId;
  records.keep({ ...record, agent: agent(0), issued: START - 2 }, bytes);
  for (let index = 1; index <= 1_023; index++) records.keep({ ...record, agent: agent(index), issued: START - 1 }, bytes);
  records.keep({ ...record, agent: agent(0), issued: START }, bytes);
  records.keep({ ...record, agent: agent(2_000) }, bytes);
  expect(records.size).toBe(1_024);
  expect([0, 1, 2, 2_000].map((index) => records.get(agent(index)) !== undefined)).toEqual([true, false, true, true]);
  expect(parts.store.count('rendezvous/')).toBe(1_024);
});
