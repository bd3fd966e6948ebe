import type { Hello, LinkMessage } from '@muster/protocol';
import { expect, test } from 'vitest';
import type { Channel, ChannelEvents } from '../../ports/index.ts';
import { HandClock } from '../../testing/hand-clock.ts';
import { freshIdentity } from '../../testing/network.ts';
import { Counters } from '../counters.ts';
import { Link } from './link.ts';
import { Wire } from './wire.ts';

/** A link over a channel that leads nowhere; the test is the peer. */
function lonelyLink() {
  const clock = new HandClock();
  let room = Infinity;
  let events: ChannelEvents;
  const start = (given: ChannelEvents): void => void (events = given);
  const channel = { remoteAddress: 'x:1', start, write: () => --room > 0, close: () => {} } as unknown as Channel;
  let closed: string | undefined;
  const wire = new Wire(channel, new Counters(), { message: () => {}, closed: (reason) => (closed = reason) });
  const sent: LinkMessage[] = [];
  const send = wire.send.bind(wire);
  wire.send = (message, queue) => {
    sent.push(message);
    return send(message, queue);
  };
  const { machineId, agentId } = freshIdentity();
  const link = new Link(clock, wire, {} as Hello, { machine: machineId, agent: agentId, dialler: machineId }, { generation: 1, afresh: false });
  const pings = () => sent.filter((message) => message.kind === 'ping');
  const answer = (index: number): void => link.heard({ kind: 'pong', nonce: pings().at(index)!.nonce });
  /** the channel takes so many more frames; 1: the next, and then no more */
  const take = (frames: number): void => {
    room = frames;
    events.drain();
  };
  return { clock, link, sent, pings, answer, take, closed: () => closed };
}

test('a peer that answers no ping is given up after 12 s at most, whatever else it says', async () => {
  const { clock, link, answer, closed, sent } = lonelyLink();
  await clock.pass(3_000);
  answer(-1);
  for (let second = 0; second < 11; second++) {
    await clock.pass(1_000);
    link.heard({ kind: 'ping', nonce: new Uint8Array(8) });
    expect(closed()).toBeUndefined();
  }
  await clock.pass(1_000);
  expect(closed()).toContain('pings unanswered');
  expect(link.interrupted).toBe(true);
  expect(sent.at(-1)).toEqual({ kind: 'goodbye', reason: 'vanished' });
});

test('answers that take longer than a beat count too, and give the round trip', async () => {
  const { clock, link, answer, closed, pings } = lonelyLink();
  await clock.pass(6_000);
  for (let beat = 0; beat < 20; beat++) {
    // Each ping is answered two beats after it.
    answer(-3);
    await clock.pass(3_000);
  }
  expect(closed()).toBeUndefined();
  expect(link.rtt).toBe(6_000);
  expect(pings().length).toBeGreaterThan(20);
});

test('a probe measures one round trip, or gives up in time', async () => {
  const { clock, link, answer } = lonelyLink();
  const measured = link.probe(500);
  await clock.pass(120);
  answer(-1);
  expect(await measured).toBe(120);
  const lost = link.probe(500);
  await clock.pass(600);
  expect(await lost).toBeUndefined();
});

test.each(['urgent', 'direct', 'bulk'] as const)(
  'what was given to a link counts as arrived when a ping that went out after it is answered (%s)',
  async (queue) => {
    const { clock, link, answer, take } = lonelyLink();
    const start = clock.monotonic();
    await clock.pass(3_000);
    link.heard({ kind: 'ping', nonce: new Uint8Array(8) });
    expect(link.soundAt, 'a sign of life proves nothing').toBe(start);
    answer(-1);
    expect(link.soundAt).toBe(start + 3_000);
    // From here on there is room for control messages only.
    take(1);
    link.send({ kind: 'ping', nonce: new Uint8Array(8) });
    link.send({ kind: 'publish', envelope: new Uint8Array(8) }, queue);
    await clock.pass(3_000);
    take(1);
    answer(-1);
    expect(link.soundAt, 'the ping overtook what waits').toBe(start + 3_000);
    take(Infinity);
    await clock.pass(3_000);
    answer(-1);
    expect(link.soundAt).toBe(start + 9_000);
  },
);
