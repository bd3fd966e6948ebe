import { expect, test } from 'vitest';
import { fromHex } from '@muster/protocol';
import type { NetworkId } from '@muster/protocol';
import { tcpCarrier } from '../../engines/tcp-carrier.ts';
import { tlsTransport } from '../../engines/tls-transport.ts';
import { clock, crypto, eventually, fillingDisk, freshIdentity, linked, startNode, twoLinkedNodes } from '../../testing/network.ts';
import { Counters } from '../counters.ts';
import { Wire } from './wire.ts';

test('two nodes link, each knowing the other by its machine and agent', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const link = a.node.services.links.toMachine(b.identity.machineId)!;
  expect(link.agent).toBe(b.identity.agentId);
  expect(a.node.services.links.toAgent(b.identity.agentId)).toBe(link);
  await eventually('the round trip is measured', () => link.rtt !== undefined);
});

test('dials from both ends at once settle on one link, the same on both', async () => {
  for (let round = 0; round < 5; round++) {
    await using a = await startNode();
    await using b = await startNode();
    a.node.services.links.want([b.address], b.identity.machineId);
    b.node.services.links.want([a.address], a.identity.machineId);
    await linked(a, b);
    const ends = () => [
      a.node.services.links.toMachine(b.identity.machineId)?.dialler,
      b.node.services.links.toMachine(a.identity.machineId)?.dialler,
    ];
    await eventually('both keep the same link', () => ends()[0] !== undefined && ends()[0] === ends()[1]);
    expect(a.node.services.links.size).toBe(1);
    expect(b.node.services.links.size).toBe(1);
  }
});

test('nodes of different networks refuse each other, on both sides', async () => {
  await using a = await startNode();
  await using b = await startNode({ network: 'cd'.repeat(32) as NetworkId });
  await expect(b.node.services.links.connect(a.address)).rejects.toThrow('wrong_network');
  expect(a.node.services.links.size).toBe(0);
  expect(a.node.services.counters.get('hello_refused_total{reason="wrong_network"}')).toBe(1);
});

test('whoever is not the machine that was dialled is refused', async () => {
  await using a = await startNode();
  await using b = await startNode();
  await expect(b.node.services.links.connect(a.address, freshIdentity().machineId)).rejects.toMatchObject({ code: 'wrong_machine' });
  expect(b.node.services.links.size).toBe(0);
});

test('a node does not link to itself', async () => {
  await using a = await startNode();
  await expect(a.node.services.links.connect(a.address)).rejects.toThrow('this node itself');
  expect(a.node.services.links.size).toBe(0);
});

test('a lost link comes back when the peer does', async () => {
  const identity = freshIdentity();
  await using a = await startNode();
  const b = await startNode({ identity, bootstrapPeers: [a.address] });
  await linked(a, b);
  await b[Symbol.asyncDispose]();
  await eventually('the link is gone', () => a.node.services.links.size === 0);
  await using again = await startNode({ identity, bootstrapPeers: [a.address] });
  await linked(a, again);
  expect(a.node.services.links.toMachine(identity.machineId)!.generation).toBe(2);
});

test('two dials to one machine at once make one link, on both ends', async () => {
  await using a = await startNode();
  await using b = await startNode();
  const { links } = a.node.services;
  const made = await Promise.all([links.connect(b.address), links.connect(b.address, b.identity.machineId)]);
  await linked(a, b);
  expect(made[0]).toBe(made[1]);
  await eventually('the second dial is over', () => b.node.services.counters.get('hello_refused_total{reason="closed"}') === 1);
  expect(b.node.services.links.toMachine(a.identity.machineId)!.generation).toBe(1);
  expect(made[0].wire.closed).toBe(false);
});

test('a service that fails on an event costs neither the link nor the node', async () => {
  await using a = await startNode();
  const fail = (): never => {
    throw new Error('defect');
  };
  a.node.services.links.on({ up: fail, down: fail, message: async () => fail() });
  await using b = await startNode({ bootstrapPeers: [a.address] });
  await linked(a, b);
  await b.node.services.direct.send(a.identity.agentId, new Uint8Array(3));
  await eventually('all were counted', () => a.node.services.counters.get('link_events_failed_total') >= 2);
  expect(a.node.services.links.size).toBe(1);
});

test('a link comes up though the disk takes nothing, and is whole when it does again', async () => {
  const disk = fillingDisk('durable', 'relaxed');
  disk.full = true;
  await using a = await startNode({ wrap: disk.wrap });
  await using b = await startNode({ bootstrapPeers: [a.address] });
  await linked(a, b);
  const send = () => b.node.services.direct.send(a.identity.agentId, new Uint8Array(3));
  await expect(send()).rejects.toMatchObject({ status: 403, extra: { detail: expect.stringContaining('could not store') } });
  disk.full = false;
  expect(await send()).toMatchObject({ path: 'raw_quic_acked' });
});

test('whoever speaks before the hellos are over is cut off', async () => {
  await using a = await startNode();
  const stranger = freshIdentity();
  const transport = tlsTransport({ crypto, clock, machineKey: stranger.machineKey, carrier: tcpCarrier() });
  const channel = await transport.dial(a.address, undefined, AbortSignal.timeout(5_000));
  const closed = Promise.withResolvers<string>();
  const wire = new Wire(channel, new Counters(), { message: () => {}, closed: closed.resolve });
  wire.send({ kind: 'have', ids: ['ab'.repeat(32)] });
  await closed.promise;
  await wire.gone;
  expect(a.node.services.counters.get('hello_refused_total{reason="handshake_failed"}')).toBe(1);
});

test('a peer that breaks the protocol loses its link, counted by the way it did', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const breaches = { oversize: '000100010001', bad_fragment: '000000010101ff', malformed: '000000010005ff' };
  for (const [reason, bytes] of Object.entries(breaches)) {
    await linked(a, b);
    b.node.services.links.toMachine(a.identity.machineId)!.wire.channel.write(fromHex(bytes));
    await eventually(reason, () => a.node.services.counters.get(`links_broken_total{reason="${reason}"}`) === 1);
  }
});

test('a peer that died without a word and started anew has its link at once', async () => {
  const identity = freshIdentity();
  await using a = await startNode();
  const reasons: string[] = [];
  a.node.services.links.on({ up: () => {}, down: (_, reason) => reasons.push(reason), message: () => {} });
  await using b = await startNode({ identity, bootstrapPeers: [a.address] });
  await linked(a, b);
  const before = a.node.services.links.toMachine(identity.machineId)!;
  // Its host is gone: nothing more comes over that link, not even its end, and what is said on it goes nowhere.
  before.wire.channel.pause();
  before.wire.channel.write = () => true;
  await b[Symbol.asyncDispose]();
  await using again = await startNode({ identity, bootstrapPeers: [a.address] });
  await eventually('the new life has the link', () => a.node.services.links.toMachine(identity.machineId)?.afresh === true);
  expect([reasons, before.wire.closed]).toEqual([['peer started anew'], true]);
  await linked(a, again);
});

test('stopping says goodbye, and the peer hears it', async () => {
  await using a = await startNode();
  const reasons: string[] = [];
  a.node.services.links.on({ up: () => {}, down: (_, reason) => reasons.push(reason), message: () => {} });
  const b = await startNode({ bootstrapPeers: [a.address] });
  await linked(a, b);
  const start = clock.monotonic();
  await b[Symbol.asyncDispose]();
  expect(clock.monotonic() - start).toBeLessThan(1_000);
  await eventually('it heard', () => reasons.length === 1);
  expect(reasons).toEqual(['peer said goodbye: shutting down']);
});

test('an agent on two machines is found at the other one when one leaves', async () => {
  const [first, second] = [freshIdentity(), freshIdentity()];
  await using a = await startNode();
  await using b = await startNode({ identity: first, bootstrapPeers: [a.address] });
  const c = await startNode({ identity: { ...second, agentKey: first.agentKey, agentId: first.agentId }, bootstrapPeers: [a.address] });
  await Promise.all([linked(a, b), linked(a, c)]);
  await c[Symbol.asyncDispose]();
  await eventually('one link is left', () => a.node.services.links.size === 1);
  expect(a.node.services.links.toAgent(first.agentId)?.machine).toBe(first.machineId);
});
