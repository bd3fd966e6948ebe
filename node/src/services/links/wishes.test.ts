import type { MachineId } from '@muster/protocol';
import { expect, test } from 'vitest';
import { HandClock } from '../../testing/hand-clock.ts';
import { Counters } from '../counters.ts';
import { Wishes } from './wishes.ts';

const MINUTE = 60_000;
const [one, two] = ['11', '22'].map((pair) => pair.repeat(32) as MachineId) as [MachineId, MachineId];

/** Machines by address; whoever is `up` answers. */
function network(answers: Record<string, MachineId>) {
  const clock = new HandClock();
  const linked = new Set<MachineId>();
  const up = new Set(Object.keys(answers));
  const dialled: string[] = [];
  const counters = new Counters();
  const wishes = new Wishes({
    clock,
    random: { next: () => 0.5 },
    counters,
    log: { write: () => {} },
    connect: async (address, machine) => {
      dialled.push(address);
      const there = answers[address];
      if (!up.has(address) || !there || (machine && machine !== there)) throw new Error('nobody answers');
      linked.add(there);
      return there;
    },
    linked: (machine) => linked.has(machine),
    full: () => linked.size >= 2,
  });
  const lose = (machine: MachineId): void => {
    linked.delete(machine);
    wishes.lost(machine);
  };
  return { clock, linked, up, dialled, counters, wishes, lose };
}

test('a neighbour is dialled again after its link was lost, however long that link had been up', async () => {
  const { clock, linked, wishes, lose } = network({ 'a:1': one });
  wishes.want(['a:1'], one);
  await clock.pass(60 * MINUTE);
  lose(one);
  await clock.pass(1_000);
  expect(linked.has(one)).toBe(true);
});

test('a neighbour that stays away is given up after ten minutes, a bootstrap peer never', async () => {
  const { clock, up, dialled, linked, wishes } = network({ 'a:1': one, 'b:2': two });
  up.clear();
  wishes.want(['a:1'], one);
  wishes.want(['b:2'], undefined);
  await clock.pass(11 * MINUTE);
  expect(wishes.size).toBe(1);
  dialled.length = 0;
  up.add('a:1').add('b:2');
  await clock.pass(12_500);
  expect(dialled).toEqual(['b:2']);
  expect([...linked]).toEqual([two]);
});

test('what is missing is dialled at least every 1.25 s', async () => {
  const { clock, up, dialled, wishes } = network({ 'a:1': one });
  up.clear();
  wishes.want(['a:1'], one);
  await clock.pass(MINUTE);
  const before = dialled.length;
  await clock.pass(10_000);
  expect(dialled.length - before).toBeGreaterThanOrEqual(8);
});

test('who never answered is dialled less and less often, at least every 12.5 s, and who was lost at once again', async () => {
  const { clock, up, dialled, linked, wishes, lose } = network({ 'b:2': two });
  up.clear();
  wishes.want(['b:2'], undefined);
  await clock.pass(MINUTE);
  const before = dialled.length;
  await clock.pass(MINUTE);
  expect(dialled.length - before).toBeLessThanOrEqual(9);
  expect(dialled.length - before).toBeGreaterThanOrEqual(4);
  up.add('b:2');
  await clock.pass(12_500);
  expect([...linked]).toEqual([two]);
  lose(two);
  await clock.pass(1_000);
  expect([...linked]).toEqual([two]);
});

test('a bootstrap peer whose machine is also found nearby stays wanted at its own address', async () => {
  const { clock, linked, up, wishes, lose } = network({ 'boot:1': one, 'lan:1': one });
  wishes.want(['lan:1'], one);
  wishes.want(['boot:1'], undefined);
  await clock.pass(100);
  up.clear();
  lose(one);
  await clock.pass(11 * MINUTE);
  up.add('boot:1');
  await clock.pass(2_000);
  expect(linked.has(one)).toBe(true);
});

test('endless neighbours do not take endless room', async () => {
  const { clock, counters, up, wishes } = network({});
  up.clear();
  for (let index = 0; index < 1_000; index++) wishes.want([`h${index}:1`], index.toString(16).padStart(64, '0') as MachineId);
  expect(wishes.size).toBe(512);
  expect(counters.get('neighbours_ignored_total')).toBe(488);
  wishes[Symbol.dispose]();
  await clock.pass(MINUTE);
  expect(wishes.size).toBe(0);
});

test('nothing more is dialled while there is no room for links', async () => {
  const { clock, dialled, linked, wishes } = network({ 'a:1': one });
  linked.add(two).add('33'.repeat(32) as MachineId);
  wishes.want(['a:1'], one);
  await clock.pass(5_000);
  expect(dialled).toEqual([]);
  linked.delete(two);
  await clock.pass(2_000);
  expect(linked.has(one)).toBe(true);
});
