import { randomBytes } from 'node:crypto';
import type { AgentId, Hello, LinkMessage, MachineId } from '@muster/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { HandClock } from '../../testing/hand-clock.ts';
import type { Link } from '../links/link.ts';
import type { LinkEvents } from '../links/link-table.ts';
import { HearingProbe, UNHEARD_MS } from './hearing.ts';

/** What a node that hears nothing any more takes to say so. */
const NOTICED_MS = UNHEARD_MS + 1_000;

interface Said {
  own: number | null;
  heard: number | null;
}

/** A node on virtual time, with peers that answer what they are told to. */
function nodeWith(bootstrapPeers: string[] = []) {
  const clock = new HandClock();
  const links = new Map<MachineId, Link>();
  let events!: LinkEvents;
  const logged: string[] = [];
  const own: { sent: number; at: number; envelope: undefined } = { sent: 1, at: 0, envelope: undefined };
  const table = new Map<AgentId, { machine: MachineId; sent: number }>();
  const probe = new HearingProbe({
    links: {
      on: (listener) => (events = listener),
      get size() {
        return links.size;
      },
      toMachine: (machine) => links.get(machine),
    },
    presence: { own, table: { get: (agent) => table.get(agent) as never } },
    contacts: { rejects: () => false },
    clock,
    crypto: { randomBytes: (length) => randomBytes(length) },
    log: { write: (level, message) => void logged.push(`${level} ${message}`) },
    bootstrapPeers,
  });
  onTestFinished(() => probe[Symbol.dispose]());
  const peer = (name: string) => {
    const id = name.repeat(64);
    const said: Said & { answers: boolean } = { own: 1, heard: 1, answers: true };
    const sent: LinkMessage[] = [];
    const send = (message: LinkMessage): boolean => {
      sent.push(message);
      if (message.kind === 'presence' && message.control.kind === 'probe' && said.answers) {
        const echo = { kind: 'echo', nonce: message.control.nonce, own: said.own, heard: said.heard } as const;
        clock.after(5, () => void events.message!(link, { kind: 'presence', control: echo }));
      }
      return true;
    };
    const link = { machine: id as MachineId, agent: id as AgentId, send } as unknown as Link;
    table.set(link.agent, { machine: link.machine, sent: 1 });
    links.set(link.machine, link);
    events.up(link, {} as Hello);
    const lose = (reason: string): void => {
      links.delete(link.machine);
      events.down(link, reason);
    };
    return { link, said, sent, lose, hear: (message: LinkMessage) => void events.message!(link, message) };
  };
  return { clock, peer, probe, logged, own, table };
}

test('a node alone by choice is healthy, and says that it is alone', async () => {
  const { clock, probe } = nodeWith();
  await clock.pass(100_000);
  expect(probe.now()).toMatchObject({ healthy: true, reason: expect.stringMatching(/^alone/) as string });
});

test('a node that is given peers and reaches none says so after 45 s', async () => {
  const { clock, probe, peer } = nodeWith(['10.0.0.1:1']);
  await clock.pass(44_000);
  expect(probe.now().healthy).toBe(true);
  await clock.pass(2_000);
  expect(probe.now()).toMatchObject({ healthy: false, reason: expect.stringContaining('bootstrap') as string });
  const a = peer('a');
  await clock.pass(1_000);
  expect(probe.now()).toEqual({ healthy: true, reason: undefined });
  a.lose('peer said goodbye: shutting down');
  await clock.pass(44_000);
  expect(probe.now()).toEqual({ healthy: true, reason: 'alone: connecting to the bootstrap peers' });
  await clock.pass(2_000);
  expect(probe.now().healthy).toBe(false);
});

test('an open link is no proof: when nobody answers, the node is degraded, until somebody does', async () => {
  const { clock, probe, peer, logged } = nodeWith();
  const [a, b] = [peer('a'), peer('b')];
  await clock.pass(20_000);
  expect(probe.now()).toEqual({ healthy: true, reason: undefined });
  a.said.answers = false;
  await clock.pass(NOTICED_MS + 4_000);
  expect(probe.now().healthy).toBe(true);
  b.said.answers = false;
  await clock.pass(NOTICED_MS + 4_000);
  expect(probe.now()).toMatchObject({
    healthy: false,
    reason: expect.stringMatching(/^linked to 2 peers, but none has answered for \d\d s$/) as string,
  });
  a.said.answers = true;
  await clock.pass(4_100);
  expect(probe.now()).toEqual({ healthy: true, reason: undefined });
  await clock.pass(4_000);
  expect(logged.map((line) => line.split(':')[0])).toEqual(['warn degraded', 'info the node hears others again']);
});

test('an echo counts once, and only for the probe that it answers', async () => {
  const { clock, probe, peer } = nodeWith();
  const a = peer('a');
  a.said.answers = false;
  for (let second = 0; second < 30; second++) {
    a.hear({ kind: 'presence', control: { kind: 'echo', nonce: new Uint8Array(8), own: 1, heard: 1 } });
    await clock.pass(1_000);
  }
  expect(probe.now().healthy).toBe(false);
});

test('beacons from before a link are nobody’s debt: a newcomer of a large network waits for the next ones in health', async () => {
  const { clock, probe, peer, table, own } = nodeWith();
  const [a, b] = [peer('a'), peer('b')];
  for (const { link, said } of [a, b]) {
    said.heard = null;
    table.delete(link.agent);
  }
  await clock.pass(60_000);
  expect(probe.now()).toEqual({ healthy: true, reason: undefined });
  for (const { said } of [a, b]) said.own = 2;
  await clock.pass(20_000);
  expect(probe.now()).toMatchObject({ healthy: false, reason: expect.stringContaining('was delivered here') as string });
  own.sent = 2;
  await clock.pass(20_000);
  expect(probe.now()).toMatchObject({ healthy: false, reason: expect.stringContaining('reaches none') as string });
});

test('what is published and reaches nobody is noticed, though everybody answers', async () => {
  const { clock, probe, peer, own } = nodeWith();
  const [a, b] = [peer('a'), peer('b')];
  await clock.pass(10_000);
  own.sent = 2;
  await clock.pass(NOTICED_MS);
  expect(probe.now()).toMatchObject({ healthy: false, reason: expect.stringContaining('publishes reaches none of 2 peers') as string });
  a.said.heard = 2;
  await clock.pass(4_100);
  expect(probe.now().healthy).toBe(true);
  b.lose('closed');
  a.said.heard = 1;
  own.sent = 3;
  await clock.pass(NOTICED_MS);
  expect(probe.now().healthy).toBe(false);
});

test('a beacon that is always on its way is no failure, however fast they come', async () => {
  const { clock, probe, peer, own } = nodeWith();
  const a = peer('a');
  for (let beat = 2; beat < 60; beat++) {
    own.sent = beat;
    a.said.heard = beat - 1;
    await clock.pass(1_000);
    expect(probe.now().healthy).toBe(true);
  }
});

test('what others publish and is not delivered here is noticed', async () => {
  const { clock, probe, peer, table } = nodeWith();
  const a = peer('a');
  await clock.pass(10_000);
  a.said.own = 5;
  await clock.pass(NOTICED_MS);
  expect(probe.now()).toMatchObject({ healthy: false, reason: expect.stringContaining('was delivered here') as string });
  table.set(a.link.agent, { machine: a.link.machine, sent: 5 });
  await clock.pass(4_100);
  expect(probe.now().healthy).toBe(true);
});

test('when the last peer vanishes the node is degraded, when it said goodbye it is alone', async () => {
  const { clock, probe, peer } = nodeWith();
  const a = peer('a');
  const b = peer('b');
  await clock.pass(5_000);
  a.lose('peer vanished: pings unanswered');
  expect(probe.now().healthy).toBe(true);
  b.lose('peer said goodbye: shutting down');
  expect(probe.now()).toEqual({ healthy: true, reason: 'alone: every peer said goodbye' });
  peer('c').lose('peer vanished: pings unanswered');
  await clock.pass(3_000);
  expect(probe.now()).toMatchObject({ healthy: false, reason: 'nobody is heard: the last peer vanished 3 s ago' });
  peer('d');
  expect(probe.now().healthy).toBe(true);
});

test('a probe is answered with what came by gossip', async () => {
  const { peer, own } = nodeWith();
  const a = peer('a');
  own.sent = 7;
  const nonce = new Uint8Array(8).fill(9);
  a.hear({ kind: 'presence', control: { kind: 'probe', nonce } });
  expect(a.sent.at(-1)).toEqual({ kind: 'presence', control: { kind: 'echo', nonce, heard: 1, own: 7 } });
});
