/** Many links at once: a network in parts, and paths that are bad. */
import type { Json } from '@muster/proof';
import type { SeededRandom } from '../runner/random.ts';
import type { Cut, Partition } from './cuts.ts';
import type { Mechanism } from './fault-injector.ts';
import type { Direction, Link } from './link-path.ts';
import { type LinkConditions, LinkShaper } from './link-shaper.ts';

interface Way {
  readonly link: Link;
  readonly direction: Direction;
}

/** The link between the two and its direction from the one to the other. @throws Error when there is none that can be cut */
function wayOf(links: readonly Link[], { from, to }: Cut): Way {
  const link = links.find((one) => (one.from === from && one.to === to) || (one.from === to && one.to === from));
  if (!link) throw new Error(`no link between ${from} and ${to} can be cut`);
  return { link, direction: link.from === from ? 'forward' : 'backward' };
}

/** Bites once every link that was cut, in one direction or both, has withheld bytes: until then nobody tried to pass. Healed once bytes pass every way again. */
export function partition(links: readonly Link[], { shape, cuts, groups }: Partition): Mechanism {
  const ways = cuts.map((cut) => wayOf(links, cut));
  const before = new Map<Way, number>();
  const withheld = (): number[] => ways.map(({ link, direction }) => link.path.withheld(direction).bytes);
  return {
    kind: `partition-${shape}`,
    node: groups.length > 1 ? groups[0]!.join('+') : cuts[0]!.from,
    async apply() {
      for (const { link, direction } of ways) link.path.cut(direction);
      return { groups: groups as Json, cuts: cuts.map(({ from, to }) => `${from} ⇥ ${to}`) };
    },
    async bites() {
      const bytes = withheld();
      // Where no connection stands, only the dialler tries: what it gets no answer to, nobody answers.
      const bitten = new Set(ways.filter((_, index) => bytes[index]! > 0).map(({ link }) => link));
      return ways.every(({ link }) => bitten.has(link)) ? { bytes_withheld: bytes } : undefined;
    },
    async heal() {
      const bytes = withheld();
      for (const way of ways) before.set(way, way.link.path.forwarded[way.direction]);
      for (const { link, direction } of ways) link.path.heal(direction);
      return { bytes_withheld: bytes };
    },
    async healed() {
      const bytes = ways.map((way) => way.link.path.forwarded[way.direction] - before.get(way)!);
      return bytes.every((count) => count > 0) ? { bytes_forwarded: bytes } : undefined;
    },
  };
}

/** Both directions of every link between `sufferers` and the rest become bad paths. Bites once each has delayed something. */
export function badPaths(
  links: readonly Link[],
  sufferers: readonly string[],
  conditions: LinkConditions,
  randomOf: (purpose: string) => SeededRandom,
  log: (link: string, decision: string) => void = () => undefined,
): Mechanism {
  const ways = links
    .filter(({ from, to }) => sufferers.includes(from) || sufferers.includes(to))
    .flatMap((link) =>
      (['forward', 'backward'] as const).map((direction) => {
        const name = direction === 'forward' ? `${link.from}→${link.to}` : `${link.to}→${link.from}`;
        return { link, direction, name, shaper: new LinkShaper(conditions, randomOf(name), (decision) => log(name, decision)), after: 0 };
      }),
    );
  if (ways.length === 0) throw new Error(`no link of ${sufferers.join(', ')} can be shaped`);
  const records = (): Json => Object.fromEntries(ways.map(({ name, shaper }) => [name, { ...shaper.record }]));
  return {
    kind: 'bad-paths',
    node: sufferers.join('+'),
    async apply() {
      for (const { link, direction, shaper } of ways) link.path.shape(direction, shaper);
      return { conditions: { ...conditions }, links: ways.map(({ name }) => name) };
    },
    async bites() {
      return ways.every(({ shaper }) => shaper.record.worst_delay_ms > 0) ? records() : undefined;
    },
    async heal() {
      for (const way of ways) {
        way.link.path.shape(way.direction, undefined);
        way.after = way.link.path.forwarded[way.direction];
      }
      return records();
    },
    async healed() {
      const bytes = ways.map(({ link, direction, after }) => link.path.forwarded[direction] - after);
      return bytes.every((count) => count > 0) ? { bytes_forwarded: bytes } : undefined;
    },
  };
}
