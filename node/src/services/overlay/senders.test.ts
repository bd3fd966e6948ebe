import type { MachineId } from '@muster/protocol';
import { expect, test } from 'vitest';
import { HandClock } from '../../testing/hand-clock.ts';
import { Counters } from '../counters.ts';
import type { Link } from '../links/link.ts';
import { Senders } from './senders.ts';

const machine = 'ab'.repeat(32) as MachineId;

/** A link whose queue is full until there is room. */
function fullLink() {
  const room = Promise.withResolvers<void>();
  let full = true;
  const link = { machine, send: () => !full, wire: { room: () => room.promise } } as unknown as Link;
  return {
    link,
    empty: () => {
      full = false;
      room.resolve();
    },
  };
}

const envelope = new Uint8Array(10);

test('whom a publisher waits for in vain is not waited for until there is room, and both are counted', async () => {
  const clock = new HandClock();
  const senders = new Senders(clock, new Counters());
  const { link, empty } = fullLink();
  const unsent: string[] = [];
  const publish = (name: string) => senders.pass(link, envelope, { wait: true, queue: 'bulk' }, () => unsent.push(name));
  void publish('one');
  void publish('another');
  await clock.pass(2_000);
  expect(senders.counts(machine)).toEqual({ timeouts: 2, pauses: 1 });
  expect([senders.slow(link), unsent]).toEqual([true, ['one', 'another']]);
  expect(publish('not waited for')).toBeUndefined();
  expect(senders.counts(machine).timeouts).toBe(2);
  empty();
  await clock.pass(0);
  expect(senders.slow(link)).toBe(false);
  expect(senders.notPassedOn).toBe(0);
});

test('a message of somebody else that finds no room waits for nobody, and is counted', () => {
  const counters = new Counters();
  const senders = new Senders(new HandClock(), counters);
  const { link, empty } = fullLink();
  let unsent = 0;
  const passOn = () => senders.pass(link, envelope, { wait: false, queue: 'bulk' }, () => unsent++);
  expect(passOn()).toBeUndefined();
  empty();
  passOn();
  expect([senders.notPassedOn, unsent, counters.get('gossip_sent_total')]).toEqual([1, 1, 1]);
});
