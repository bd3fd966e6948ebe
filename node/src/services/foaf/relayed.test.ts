/** How many walks of others a node keeps under way, on virtual time. */
import type { AgentId, LinkMessage, MachineId, PresenceControl } from '@muster/protocol';
import { expect, test } from 'vitest';
import { HandClock } from '../../testing/hand-clock.ts';
import { Counters } from '../counters.ts';
import type { Link } from '../links/link.ts';
import type { LinkEvents } from '../links/link-table.ts';
import { type FoafParts, FoafWalks } from './walks.ts';

/** as fast as one neighbour may ask */
const EVERY_MS = 500;
/** a walk is forgotten after 30 s: none is during this */
const WHILE_MS = 29_000;

/** A node with so many neighbours that ask, and one that it asks. */
function crossing(askers: number) {
  const clock = new HandClock();
  let events: LinkEvents | undefined;
  let forwarded = 0;
  const linkTo = (name: string, send: (message: LinkMessage) => void): Link =>
    ({ agent: name as AgentId, machine: name as MachineId, send: (message: LinkMessage) => (send(message), true) }) as unknown as Link;
  const asked = linkTo('asked', () => forwarded++);
  const links = { on: (given: LinkEvents) => (events = given), all: () => [asked] };
  const presence = { own: undefined, table: { kept: () => [], get: () => undefined } };
  const contacts = { rejects: () => false, evaluate: () => 'unknown' };
  const parts = { clock, links, presence, contacts, counters: new Counters(), identity: { agentId: 'self' }, random: { next: () => 0.5 } };
  const walks = new FoafWalks(parts as unknown as FoafParts);
  const promised = Array.from({ length: askers }, () => 0);
  const asking = promised.map((_, n) =>
    linkTo(`asker ${n}`, (message) => {
      const control = message.kind === 'presence' ? message.control : undefined;
      if (control?.kind === 'answer') promised[n]! += control.forwarded;
    }),
  );
  let walk = 0;
  const askOnce = (): void => {
    for (const link of asking) {
      const id = new Uint8Array(16);
      new DataView(id.buffer).setUint32(0, ++walk);
      const control: PresenceControl = { kind: 'query', walk: id, ttl: 2, target: null };
      void events!.message!(link, { kind: 'presence', control });
    }
  };
  const askFor = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += EVERY_MS) {
      askOnce();
      await clock.pass(EVERY_MS);
    }
  };
  return { askFor, clock, walks, promised, forwarded: () => forwarded };
}

test('of one neighbour 32 walks are under way, the next ones are answered here, until those are over', async () => {
  const { askFor, clock, walks, promised, forwarded } = crossing(1);
  using _walks = walks;
  await askFor(WHILE_MS);
  expect([forwarded(), promised]).toEqual([32, [32]]);
  await clock.pass(30_000);
  await askFor(1_000);
  expect(forwarded()).toBe(34);
});

test('of all neighbours together 512 are', async () => {
  const { askFor, walks, promised, forwarded } = crossing(20);
  using _walks = walks;
  await askFor(WHILE_MS);
  expect(forwarded()).toBe(512);
  expect(Math.max(...promised)).toBeLessThanOrEqual(32);
});
