/** Hosts, the paths between them, and what is wrong with those. Every decision about a packet is drawn from the path's own chance. */
import type { Chance } from '../chance.ts';
import type { Schedule } from '../schedule.ts';
import type { Trace } from '../trace.ts';
import type { NetworkProfile, PathQuality } from './quality.ts';
import { Way } from './way.ts';

/** more hosts than any simulation has */
const MOST_HOSTS = 2 ** 24;

/** Says of a packet between two hosts that it does not arrive. */
export type Block = (from: Host, to: Host) => boolean;

/** What became of packets. A lost or blocked one is sent again later, so they add up to more than were delivered. */
export interface PacketCounts {
  sent: number;
  delivered: number;
  lost: number;
  blocked: number;
  duplicated: number;
  reordered: number;
}

export class Host {
  readonly index: number;
  readonly region: number;
  /** an address that looks public, as paths between continents have */
  readonly ip: string;
  /** without power: nothing arrives, nobody answers */
  dark = false;
  /** virtual ms until which its line is taken by what was sent */
  sendingUntil = 0;

  constructor(index: number, region: number) {
    this.index = index;
    this.region = region;
    // 2.0.0.0/8, one /16 each but for very large networks: hosts of one /16 could count as one site.
    this.ip = `2.${index & 0xff}.${(index >> 8) & 0xff}.${(index >> 16) + 1}`;
  }
}

/** When a packet that was sent now arrives, if nothing blocks it on the way. */
export interface Passage {
  /** virtual ms */
  readonly arrives: number;
  /** of them on the way, after it has left */
  readonly travels: number;
  readonly lost: boolean;
}

export class Network {
  readonly schedule: Schedule;
  readonly profile: NetworkProfile;
  readonly trace: Trace;
  readonly counts: PacketCounts = { sent: 0, delivered: 0, lost: 0, blocked: 0, duplicated: 0, reordered: 0 };
  readonly #chance: Chance;
  readonly #blocks = new Set<Block>();
  readonly #qualities = new Set<(from: Host, to: Host) => Partial<PathQuality> | undefined>();
  readonly #ways = new Map<number, Way>();
  readonly #hosts = new Map<string, Host>();
  #count = 0;

  constructor(schedule: Schedule, chance: Chance, profile: NetworkProfile, trace: Trace) {
    this.schedule = schedule;
    this.#chance = chance;
    this.profile = profile;
    this.trace = trace;
  }

  /** A new host; regions take turns. */
  host(region = this.#count % this.profile.regions.length): Host {
    const host = new Host(this.#count++, region);
    this.#hosts.set(host.ip, host);
    return host;
  }

  at(ip: string): Host | undefined {
    return this.#hosts.get(ip);
  }

  /** Packets for which this is true do not arrive, until disposed. One way: the other direction is asked for on its own. */
  block(block: Block): Disposable {
    this.#blocks.add(block);
    return { [Symbol.dispose]: () => void this.#blocks.delete(block) };
  }

  /** Paths are of this quality, where it says one, until disposed; what is said last holds. */
  degrade(quality: (from: Host, to: Host) => Partial<PathQuality> | undefined): Disposable {
    this.#qualities.add(quality);
    return { [Symbol.dispose]: () => void this.#qualities.delete(quality) };
  }

  reaches(from: Host, to: Host): boolean {
    if (from.dark || to.dark) return false;
    if (this.#blocks.size > 0) for (const block of this.#blocks) if (block(from, to)) return false;
    return this.#wayOf(from, to)?.cut !== true;
  }

  /** From now on what goes this way is counted, and can be held up. */
  way(from: Host, to: Host): Way {
    const key = keyOf(from, to);
    let way = this.#ways.get(key);
    if (!way) this.#ways.set(key, (way = new Way()));
    return way;
  }

  /** Part of a connection arrived. */
  carried(from: Host, to: Host, bytes: number): void {
    const way = this.#wayOf(from, to);
    if (way) way.forwarded += bytes;
  }

  /** Something did not arrive because nothing does; `of` is the connection, or the dial. */
  blocked(from: Host, to: Host, bytes: number, of: object): void {
    this.counts.blocked++;
    const way = this.#wayOf(from, to);
    if (!way?.cut) return;
    way.withheld += bytes;
    way.touched.add(of);
  }

  /** Of a write that is to be severed on this way: how much of it arrives. */
  severs(from: Host, to: Host, bytes: number): number | undefined {
    return this.#wayOf(from, to)?.severs(bytes);
  }

  /** It was severed. */
  severed(from: Host, to: Host, bytes: number, passed: number): void {
    const way = this.#wayOf(from, to)!;
    way.severFrom = Infinity;
    way.severed = { passed, lost: bytes - passed };
  }

  #wayOf(from: Host, to: Host): Way | undefined {
    return this.#ways.size === 0 ? undefined : this.#ways.get(keyOf(from, to));
  }

  qualityOf(from: Host, to: Host): PathQuality {
    const { profile } = this;
    let quality: PathQuality = {
      latencyMs: profile.latencyMs[from.region]![to.region]!,
      jitterMs: profile.jitterMs,
      loss: profile.loss,
      duplication: profile.duplication,
      reordering: profile.reordering,
    };
    for (const said of this.#qualities) quality = { ...quality, ...said(from, to) };
    return quality;
  }

  /** Sends a packet of `bytes` at `time` or as soon as the line is free. */
  send(from: Host, to: Host, bytes: number, time: number): Passage {
    const quality = this.#qualities.size === 0 ? this.#plain(from, to) : this.qualityOf(from, to);
    const chance = this.#chance;
    const { counts } = this;
    const begins = Math.max(time, from.sendingUntil);
    const twice = chance.happens(quality.duplication);
    from.sendingUntil = begins + ((twice ? 2 : 1) * bytes * 1_000) / this.profile.bytesPerSecond;
    counts.sent++;
    if (twice) counts.duplicated++;
    const lost = chance.happens(quality.loss);
    if (lost) counts.lost++;
    let travels = quality.latencyMs + quality.jitterMs * chance.next();
    if (chance.happens(quality.reordering)) {
      counts.reordered++;
      travels *= 1 + 2 * chance.next();
    }
    return { arrives: this.#leaves(from, to, bytes) + travels, travels, lost };
  }

  /** So many bytes more travel with what was sent last. @returns when all of it arrives */
  prolong(from: Host, to: Host, bytes: number, { arrives, travels }: Passage): number {
    from.sendingUntil += (bytes * 1_000) / this.profile.bytesPerSecond;
    return Math.max(arrives, this.#leaves(from, to, bytes) + travels);
  }

  #leaves(from: Host, to: Host, bytes: number): number {
    const shaper = this.#wayOf(from, to)?.shaper;
    return shaper ? shaper.arrival(bytes, from.sendingUntil) : from.sendingUntil;
  }

  readonly #plainQualities = new Map<number, PathQuality>();

  /** without asking anybody who has something to say about single paths */
  #plain(from: Host, to: Host): PathQuality {
    const key = from.region * this.profile.regions.length + to.region;
    let quality = this.#plainQualities.get(key);
    if (!quality) this.#plainQualities.set(key, (quality = this.qualityOf(from, to)));
    return quality;
  }
}

function keyOf(from: Host, to: Host): number {
  return from.index * MOST_HOSTS + to.index;
}
