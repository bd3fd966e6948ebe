import type { MachineId } from '@muster/protocol';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HandClock } from '../../testing/hand-clock.ts';
import { freshIdentity, linked, startNode } from '../../testing/network.ts';
import { Counters } from '../counters.ts';
import { Joining } from './joining.ts';

const machine = (index: number) => index.toString(16).padStart(64, '0') as MachineId;

/** Who dialled what, and when; those that are `up` answer. */
function network(cached: readonly string[], chance = 0.5) {
  const clock = new HandClock();
  const up = new Set<string>();
  const dialled: { readonly address: string; readonly at: number }[] = [];
  const wanted: string[] = [];
  const joining = new Joining({
    clock,
    random: { next: () => chance },
    counters: new Counters(),
    log: { write: () => {} },
    candidates: (most) => cached.slice(0, most).map((address, index) => ({ machine: machine(index), address, good: 1, bad: 0, updatedAt: 0 })),
    linked: () => false,
    connect: async (address) => {
      dialled.push({ address, at: clock.monotonic() });
      if (address.startsWith('silent')) await new Promise(() => {});
      if (!up.has(address)) throw new Error('nobody answers');
      return machine(0);
    },
    want: (address) => wanted.push(address),
  });
  const times = (address: string) => dialled.filter((dial) => dial.address === address).map(({ at }) => at);
  return { clock, up, dialled, wanted, joining, times };
}

test('known peers come first, twelve of them, and then the bootstrap peers', async () => {
  const cached = Array.from({ length: 20 }, (_, index) => `c${index}:1`);
  const { clock, up, dialled, wanted, joining } = network(cached);
  up.add('c0:1').add('boot:1');
  void joining.join(['boot:1'], true);
  await clock.pass(10);
  expect(dialled.map(({ address }) => address)).toEqual([...cached.slice(0, 12), 'boot:1']);
  expect(wanted).toEqual(['boot:1']);
});

test('known peers that keep silent hold up nobody for longer than a second', async () => {
  const { clock, joining, times } = network(Array.from({ length: 12 }, (_, index) => `silent${index}:1`));
  void joining.join(['boot:1'], true);
  await clock.pass(1_100);
  expect(times('boot:1')).toEqual([1_000]);
});

test('bootstrap peers are tried in three rounds with growing pauses and jitter, and stay wanted', async () => {
  for (const [chance, second, third] of [
    [0, 225, 225 + 750],
    [0.5, 300, 300 + 1_000],
    [0.999_999, 375, 375 + 1_250],
  ] as const) {
    const { clock, up, wanted, joining, times } = network([], chance);
    up.add('there:1');
    void joining.join(['away:1', 'there:1'], true);
    await clock.pass(60_000);
    expect(times('away:1').map(Math.round)).toEqual([0, second, third]);
    // Whoever answered is not dialled again, but kept.
    expect(times('there:1')).toEqual([0]);
    expect(wanted).toEqual(['there:1', 'away:1']);
  }
});

test('a node that ends in the middle of it dials no more', async () => {
  const { clock, wanted, joining, times } = network([]);
  void joining.join(['away:1'], false);
  await clock.pass(10);
  joining[Symbol.dispose]();
  await clock.pass(60_000);
  expect([times('away:1').length, wanted]).toEqual([1, []]);
});

test('a node that was killed joins by the peers it knew, without configuration, and by one of many bootstrap peers', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-joining-'));
  try {
    const options = { identity: freshIdentity(), storeFile: join(directory, 'node.sqlite'), autoDial: true };
    await using b = await startNode();
    const a = await startNode({ ...options, bootstrapPeers: [b.address] });
    await linked(a, b);
    await a[Symbol.asyncDispose]();
    await using again = await startNode(options);
    await linked(again, b);
    await using late = await startNode({ bootstrapPeers: ['127.0.0.1:1', b.address] });
    await linked(late, b);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
