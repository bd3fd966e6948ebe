/** Which node no longer hears which, for the classical partitions. */
import type { SeededRandom } from '../runner/random.ts';

export type PartitionShape =
  /** two groups as equal as can be */
  | 'halves'
  /** a group of less than half on its own */
  | 'minority'
  /** each hears its two neighbours in a circle only */
  | 'ring'
  /** two halves that one node still hears and is heard by */
  | 'bridge'
  /** one node on its own */
  | 'single'
  /** one half is no longer heard by the other, but hears it */
  | 'one-way';

export const PARTITION_SHAPES: readonly PartitionShape[] = ['halves', 'minority', 'ring', 'bridge', 'single', 'one-way'];

/** `from` is no longer heard by `to`. */
export interface Cut {
  readonly from: string;
  readonly to: string;
}

export interface Partition {
  readonly shape: PartitionShape;
  readonly cuts: readonly Cut[];
  /** nodes that still reach one another both ways, over others too; one group when everybody still does */
  readonly groups: readonly (readonly string[])[];
}

export type Selector = 'one' | 'minority' | 'majority' | 'all' | readonly string[];

/** The nodes that a selector means: by name, or so many of them drawn by chance. @throws RangeError for a name that is not there */
export function select(selector: Selector, names: readonly string[], random: SeededRandom): string[] {
  if (typeof selector !== 'string') {
    const unknown = selector.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new RangeError(`no node ${unknown}; there are ${names.join(', ')}`);
    return [...selector];
  }
  const minority = Math.max(1, Math.ceil(names.length / 2) - 1);
  const count = { one: 1, minority, majority: Math.floor(names.length / 2) + 1, all: names.length }[selector];
  return shuffled(names, random).slice(0, count);
}

/** nodes that it takes to be parted like this */
export function leastNodes(shape: PartitionShape): number {
  return { halves: 2, minority: 3, ring: 4, bridge: 3, single: 2, 'one-way': 2 }[shape];
}

/** @throws RangeError for fewer nodes than the shape needs */
export function partitionOf(shape: PartitionShape, names: readonly string[], random: SeededRandom): Partition {
  return partitionInOrder(shape, shuffled(names, random));
}

/** The parts are made of the nodes as they stand in line. @throws RangeError as `partitionOf` */
export function partitionInOrder(shape: PartitionShape, order: readonly string[]): Partition {
  const needs = leastNodes(shape);
  if (order.length < needs) throw new RangeError(`a partition of the shape ${shape} needs ${needs} nodes`);
  const hears = hearing(shape, order);
  const cuts = order.flatMap((to) => order.flatMap((from) => (from === to || hears(to, from) ? [] : [{ from, to }])));
  return { shape, cuts, groups: groupsOf(order, (one, other) => hears(one, other) && hears(other, one)) };
}

function hearing(shape: PartitionShape, order: readonly string[]): (to: string, from: string) => boolean {
  const place = new Map(order.map((name, index) => [name, index]));
  const at = (name: string): number => place.get(name)!;
  const apart = (size: number) => (to: string, from: string) => at(to) < size === at(from) < size;
  const half = Math.floor(order.length / 2);
  switch (shape) {
    case 'halves':
      return apart(half);
    case 'minority':
      return apart(Math.max(1, Math.ceil(order.length / 2) - 1));
    case 'single':
      return apart(1);
    case 'one-way':
      return (to, from) => apart(half)(to, from) || at(to) < half;
    case 'bridge': {
      const bridge = order.at(-1)!;
      const rest = apart(Math.floor((order.length - 1) / 2));
      return (to, from) => to === bridge || from === bridge || rest(to, from);
    }
    case 'ring':
      return (to, from) => [1, order.length - 1].includes(Math.abs(at(to) - at(from)));
  }
}

function groupsOf(names: readonly string[], joined: (one: string, other: string) => boolean): string[][] {
  const groups: string[][] = [];
  const placed = new Set<string>();
  for (const name of names) {
    if (placed.has(name)) continue;
    const group = [name];
    placed.add(name);
    // Grows while it is walked.
    for (const member of group)
      for (const other of names) {
        if (placed.has(other) || !joined(member, other)) continue;
        placed.add(other);
        group.push(other);
      }
    groups.push(group.toSorted());
  }
  return groups;
}

function shuffled(names: readonly string[], random: SeededRandom): string[] {
  const left = [...names];
  return names.map(() => left.splice(random.integer(left.length), 1)[0]!);
}
