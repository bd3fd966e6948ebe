/** Walks of others on their way through a node, on virtual time: how many there are, and what becomes of them when links end. */
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

const linkTo = (name: string, send: (message: LinkMessage) => void, afresh = false): Link =>
  ({ agent: name as AgentId, machine: name as MachineId, afresh, send: (message: LinkMessage) => (send(message), true) }) as unknown as Link;
const controlOf = (message: LinkMessage): PresenceControl | undefined => (message.kind === 'presence' ? message.control : undefined);

/** A node that walks pass, between the links that are in `table`. */
function walker(table: ReadonlyMap<string, Link>) {
  const clock = new HandClock();
  let events: LinkEvents | undefined;
  const links = { on: (given: LinkEvents) => (events = given), all: () => [...table.values()], toMachine: (machine: string) => table.get(machine) };
  const presence = { own: undefined, table: { kept: () => [], get: () => undefined } };
  const contacts = { rejects: () => false, evaluate: () => 'unknown' };
  const parts = { clock, links, presence, contacts, counters: new Counters(), identity: { agentId: 'self' }, random: { next: () => 0.5 } };
  const walks = new FoafWalks(parts as unknown as FoafParts);
  const says = (link: Link, control: PresenceControl): void => void events!.message!(link, { kind: 'presence', control });
  const down = (link: Link): void => events!.down(link, 'it ended');
  return { clock, walks, says, down };
}

/** A node with so many neighbours that ask, and one that it asks. */
function crossing(askers: number) {
  let forwarded = 0;
  const { clock, walks, says } = walker(new Map([['asked', linkTo('asked', () => forwarded++)]]));
  const promised = Array.from({ length: askers }, () => 0);
  const linkAll = (): Link[] =>
    promised.map((_, n) =>
      linkTo(`asker ${n}`, (message) => {
        const control = controlOf(message);
        if (control?.kind === 'answer') promised[n]! += control.forwarded;
      }),
    );
  let asking = linkAll();
  let walk = 0;
  const askOnce = (): void => {
    for (const link of asking) {
      const id = new Uint8Array(16);
      new DataView(id.buffer).setUint32(0, ++walk);
      says(link, { kind: 'query', walk: id, ttl: 2, target: null });
    }
  };
  const askFor = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += EVERY_MS) {
      askOnce();
      await clock.pass(EVERY_MS);
    }
  };
  return { askOnce, askFor, relink: () => void (asking = linkAll()), clock, walks, promised, forwarded: () => forwarded };
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

test('a neighbour that links anew gets no further share', async () => {
  const { askFor, relink, walks, forwarded } = crossing(1);
  using _walks = walks;
  await askFor(WHILE_MS / 2);
  relink();
  await askFor(WHILE_MS / 2);
  expect(forwarded()).toBe(32);
});

test('a neighbour that links anew may not ask more often', async () => {
  const { askOnce, relink, clock, walks, forwarded } = crossing(1);
  using _walks = walks;
  for (let links = 0; links < 20; links++, relink()) askOnce();
  expect(forwarded()).toBe(8);
  await clock.pass(EVERY_MS);
  for (let links = 0; links < 20; links++, relink()) askOnce();
  expect(forwarded()).toBe(9);
});

test('of all neighbours together 512 are', async () => {
  const { askFor, walks, promised, forwarded } = crossing(20);
  using _walks = walks;
  await askFor(WHILE_MS);
  expect(forwarded()).toBe(512);
  expect(Math.max(...promised)).toBeLessThanOrEqual(32);
});

/** Walks on their way from one neighbour to another; `told`: what the one was answered, by the link it came over. */
function between() {
  const table = new Map<string, Link>();
  const told: [over: string, forwarded: number][] = [];
  const node = walker(table);
  const linked = (name: 'asker' | 'asked', over: string, afresh = false): Link => {
    const link = linkTo(name, (message) => {
      const control = controlOf(message);
      if (control?.kind === 'answer') told.push([over, control.forwarded]);
    }, afresh); // prettier-ignore
    table.set(name, link);
    return link;
  };
  const query = (from: Link, walk = 0): void => node.says(from, { kind: 'query', walk: new Uint8Array(16).fill(walk), ttl: 3, target: null });
  const answer = (from: Link, forwarded: number, walk = 0): void =>
    node.says(from, { kind: 'answer', walk: new Uint8Array(16).fill(walk), forwarded, beacons: [] });
  return { ...node, table, told, linked, query, answer };
}

test('who asked is told at once when the neighbour that still owed answers is gone, once for each of them', () => {
  const { walks, table, told, linked, query, answer, down } = between();
  using _walks = walks;
  const [asker, asked] = [linked('asker', 'first'), linked('asked', '')];
  query(asker);
  answer(asked, 2);
  expect(told).toEqual([['first', 1], ['first', 2]]); // prettier-ignore
  table.delete('asked');
  down(asked);
  expect(told.slice(2)).toEqual([['first', 0], ['first', 0]]); // prettier-ignore
  down(asked);
  answer(asked, 0);
  expect(told).toHaveLength(4);
});

test('a link that takes the place of another takes over its walks, in both directions, and the end of the former ends none', () => {
  const { walks, told, linked, query, answer, down } = between();
  using _walks = walks;
  const [asker, asked] = [linked('asker', 'first'), linked('asked', '')];
  query(asker);
  const next = linked('asked', '');
  linked('asker', 'second');
  down(asked);
  down(asker);
  answer(next, 1);
  expect(told).toEqual([['first', 1], ['second', 1]]); // prettier-ignore
  down(asked);
  answer(next, 0);
  expect(told.slice(2)).toEqual([['second', 0]]);
});

test('a neighbour that started anew has forgotten what it was asked before, and nothing since', () => {
  const { walks, told, linked, query, answer, down } = between();
  using _walks = walks;
  const [asker, asked] = [linked('asker', 'first'), linked('asked', '')];
  query(asker, 1);
  const anew = linked('asked', '', true);
  query(asker, 2);
  down(asked);
  answer(anew, 2, 2);
  expect(told.map(([, forwarded]) => forwarded)).toEqual([1, 1, 0, 2]);
});
