/** Who was heard, with what they said of themselves. Pure, and bounded: times are passed in. `mono` is ms of the monotonic clock, `wall` Unix ms. */
import { CLOCK_SKEW_MS } from '@muster/protocol';
import type { AgentId, Beacon, MachineId } from '@muster/protocol';
import { remember } from '../remember.ts';
import { Detector } from './detector.ts';

/** agents remembered; beyond it strangers that were silent for longest are forgotten, then anybody */
export const MAX_AGENTS = 4_096;
const FORGET_STEP = 256;
/** whole beacons kept to pass on: those heard last */
export const MAX_KEPT_BEACONS = 512;

export interface Moment {
  readonly mono: number;
  readonly wall: number;
}

/** A beacon whose signature was checked. */
export interface HeardBeacon {
  readonly agent: AgentId;
  readonly beacon: Beacon;
  /** the whole envelope */
  readonly envelope: Uint8Array;
}

export interface Present {
  readonly agent: AgentId;
  readonly machine: MachineId;
  readonly addresses: readonly string[];
  /** Unix ms, by the clock here: the first beacon of this run, and the last one */
  readonly since: number;
  readonly heard: number;
  /** `sent` of the last beacon */
  readonly sent: number;
}

interface Entry extends Present {
  beacon: Beacon;
  detector: Detector;
  /** least difference of the clock here and theirs that was seen, ms: travel and skew */
  offset: number;
  left: boolean;
}

/** `came`: it was not online before, or began anew. `stale`: nothing new. */
export type Heard = 'came' | 'went-on' | 'left' | 'stale';

export interface TableSettings {
  /** ms of silence after which an agent is offline in any case */
  readonly longestSilenceMs: number;
  /** is forgotten last */
  readonly keep: (agent: AgentId) => boolean;
}

export class PresenceTable {
  readonly #settings: TableSettings;
  readonly #entries = new Map<AgentId, Entry>();
  /** the last one heard stands last */
  readonly #envelopes = new Map<AgentId, Uint8Array>();

  constructor(settings: TableSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#entries.size;
  }

  heard({ agent, beacon, envelope }: HeardBeacon, { mono, wall }: Moment): Heard {
    const before = this.#entries.get(agent);
    if (before && beacon.sent <= before.beacon.sent) return 'stale';
    const same = before?.beacon.run === beacon.run && before.machine === beacon.machine ? before : undefined;
    // What took a detour says how it was then: it counts as heard when it would have come directly, as far as both clocks tell.
    const offset = Math.min(wall - beacon.sent, same?.offset ?? CLOCK_SKEW_MS);
    const at = mono - Math.max(0, wall - beacon.sent - offset);
    const wasOnline = before !== undefined && this.#online(before, mono);
    const detector = this.#detectorOf(same, beacon, at);
    if (!before) this.#makeRoom();
    const entry: Entry = {
      agent,
      machine: beacon.machine,
      addresses: beacon.addresses,
      since: same?.since ?? wall,
      heard: wall - (mono - at),
      sent: beacon.sent,
      beacon,
      detector,
      offset,
      left: beacon.leaving,
    };
    this.#entries.set(agent, entry);
    if (beacon.leaving) {
      this.#envelopes.delete(agent);
      return 'left';
    }
    remember(this.#envelopes, agent, envelope, MAX_KEPT_BEACONS);
    if (!this.#online(entry, mono)) return 'stale';
    return wasOnline && same ? 'went-on' : 'came';
  }

  /** Something suggests that it is gone; nothing of an agent that is not online. */
  hint(agent: AgentId, mono: number): void {
    if (this.online(agent, mono)) this.#entries.get(agent)!.detector.hint(mono);
  }

  /** Somebody asked it for a beacon. */
  asked(agent: AgentId, mono: number): void {
    this.#entries.get(agent)?.detector.asked(mono);
  }

  /** When its last beacon came, monotonic ms. */
  heardAt(agent: AgentId): number | undefined {
    return this.#entries.get(agent)?.detector.last;
  }

  askedAt(agent: AgentId): number | undefined {
    return this.#entries.get(agent)?.detector.askedAt;
  }

  online(agent: AgentId, mono: number): boolean {
    const entry = this.#entries.get(agent);
    return entry !== undefined && this.#online(entry, mono);
  }

  /** Also of one that went offline, as long as it is remembered. */
  get(agent: AgentId): Present | undefined {
    return this.#entries.get(agent);
  }

  /** Those that are online. */
  present(mono: number): Present[] {
    return [...this.#entries.values()].filter((entry) => this.#online(entry, mono));
  }

  /** Its last beacon as it was gossiped, while it is online. */
  envelope(agent: AgentId, mono: number): Uint8Array | undefined {
    return this.online(agent, mono) ? this.#envelopes.get(agent) : undefined;
  }

  /** Agents whose beacons are kept. */
  kept(): AgentId[] {
    return [...this.#envelopes.keys()];
  }

  #online({ left, detector }: Entry, mono: number): boolean {
    return !left && detector.alive(mono, this.#settings.longestSilenceMs);
  }

  #detectorOf(same: Entry | undefined, beacon: Beacon, at: number): Detector {
    if (!same || same.left) return new Detector(at, beacon.interval);
    same.detector.beacon(at, beacon.interval, beacon.count - same.beacon.count);
    return same.detector;
  }

  #makeRoom(): void {
    if (this.#entries.size < MAX_AGENTS) return;
    const order = [...this.#entries.values()]
      .map((entry) => ({ entry, kept: this.#settings.keep(entry.agent) }))
      .toSorted((a, b) => Number(a.kept) - Number(b.kept) || a.entry.heard - b.entry.heard);
    for (const { entry } of order.slice(0, FORGET_STEP)) {
      this.#entries.delete(entry.agent);
      this.#envelopes.delete(entry.agent);
    }
  }
}
