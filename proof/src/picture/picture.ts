/**
 * What the report shows beside the verdict: who did and said what when, over which routes, how long it took, and what it used.
 * Gathered in one pass, small whatever the length of the journal, and the same for the same journal.
 */
import type { CompletionLine, InvokeLine, JournalLine, ObserveLine } from '../journal.ts';
import { valueAt } from '../json.ts';
import { type Histogram, Histograms } from './histogram.ts';

export const markKinds = ['operation', 'refused', 'unknown', 'event', 'fault', 'check', 'log'] as const;
export type MarkKind = (typeof markKinds)[number];

/** Columns of equal length, in order of time. */
interface Marks {
  /** tenths of ms since the mark before */
  readonly t: readonly number[];
  /** ms it took; 0 for what has no length */
  readonly ms: readonly number[];
  /** into `lanes` */
  readonly lane: readonly number[];
  /** into `markKinds` */
  readonly kind: readonly number[];
  /** into `texts` */
  readonly text: readonly number[];
  /** its line in the journal */
  readonly seq: readonly number[];
}

interface Route {
  readonly from: string;
  readonly to: string;
  /** direct messages by the path they took, or `peer`: the one listed the other */
  readonly via: Readonly<Record<string, number>>;
}

export interface Curve {
  readonly node: string;
  /** `rss_bytes` … */
  readonly what: string;
  /** ms since the run began, and the value */
  readonly points: readonly (readonly [number, number])[];
}

export interface Picture {
  readonly lanes: readonly string[];
  readonly texts: readonly string[];
  readonly marks: Marks;
  /** of what succeeded, events and logs, one in so many is shown; all else always, up to its bound */
  readonly every: number;
  readonly routes: readonly Route[];
  readonly latencies: readonly Histogram[];
  readonly curves: readonly Curve[];
}

interface Mark {
  readonly t: number;
  readonly ms: number;
  readonly lane: number;
  readonly kind: number;
  readonly text: number;
  readonly seq: number;
}

/** What is thinned when it becomes more, and what is not. */
const MOST_ORDINARY = 120_000;
const MOST_SPECIAL = 20_000;
const MOST_TEXTS = 2_000;
const MOST_LANES = 200;
const MOST_PENDING = 100_000;
const MOST_ROUTES = 2_000;
const MOST_POINTS = 500;
const LAB = 'lab';
/** Stream of what nodes use: its observations are drawn as curves, one for each number. */
export const RESOURCES = 'resources';
/** Stream of what nodes say in their logs: `text`, and how many lines before it were left out. */
export const LOGS = 'log';
const MOST_LOG_CHARACTERS = 160;

export class PictureCollector {
  readonly #lanes = new Names(MOST_LANES);
  readonly #texts = new Names(MOST_TEXTS);
  readonly #pending = new Map<string, InvokeLine>();
  readonly #latencies = new Histograms();
  readonly #routes = new Map<string, { from: string; to: string; via: Record<string, number> }>();
  readonly #curves = new Map<string, { node: string; what: string; points: [number, number][] }>();
  readonly #nodes = new Map<string, string>();
  readonly #special: Mark[] = [];
  /** `said`: the text of a log, hardly any of which comes twice */
  #ordinary: { mark: Mark; number: number; said?: string }[] = [];
  #number = 0;
  #every = 1;

  line(line: JournalLine): void {
    switch (line.type) {
      case 'world':
        for (const { name, agentId, machineId } of line.nodes) {
          this.#lanes.of(name);
          for (const id of [agentId, machineId]) if (id) this.#nodes.set(id, name);
        }
        return;
      case 'invoke':
        if (this.#pending.size < MOST_PENDING) this.#pending.set(line.id, line);
        return;
      case 'ok':
      case 'fail':
      case 'info':
        return this.#completed(line);
      case 'observe':
        return this.#observed(line);
      case 'fault':
        return this.#mark('fault', line.t, line.node, `${line.kind}: ${line.stage}`, line.seq);
      case 'check':
        if (line.status !== undefined && line.status !== 'pass') this.#mark('check', line.t, LAB, `${line.status}: ${line.id}`, line.seq);
    }
  }

  result(): Picture {
    const texts = [...this.#texts.all];
    const ordinary = this.#ordinary.map(({ mark, said }) => (said === undefined ? mark : { ...mark, text: texts.push(said) - 1 }));
    const marks = [...this.#special, ...ordinary].toSorted((a, b) => a.t - b.t || a.seq - b.seq);
    const tenths = marks.map(({ t }) => Math.round(t * 10));
    const lanes = this.#lanes.all.toSorted((a, b) => Number(a === LAB) - Number(b === LAB) || (a < b ? -1 : 1));
    const place = this.#lanes.all.map((lane) => lanes.indexOf(lane));
    return {
      lanes,
      texts,
      marks: {
        t: tenths.map((t, index) => t - (tenths[index - 1] ?? 0)),
        ms: marks.map(({ ms }) => ms),
        lane: marks.map(({ lane }) => place[lane]!),
        kind: marks.map(({ kind }) => kind),
        text: marks.map(({ text }) => text),
        seq: marks.map(({ seq }) => seq),
      },
      every: this.#every,
      routes: [...this.#routes.values()],
      latencies: this.#latencies.all(),
      curves: [...this.#curves.values()],
    };
  }

  #completed(line: CompletionLine): void {
    const begun = this.#pending.get(line.id);
    if (!begun) return;
    this.#pending.delete(line.id);
    const ms = Math.round((line.t - begun.t) * 10) / 10;
    const kind = line.type === 'ok' ? 'operation' : line.type === 'fail' ? 'refused' : 'unknown';
    const status = line.status === undefined || line.type === 'ok' ? '' : ` ${line.status}`;
    this.#mark(kind, begun.t, begun.process, `${begun.op} (${begun.surface})${status}`, begun.seq, ms);
    if (line.type !== 'ok') return;
    this.#latencies.add(begun.op, begun.surface, ms);
    if (begun.op === 'direct.send') this.#route(begun.process, valueAt(begun.input, '/agent_id'), valueAt(line.output, '/path'));
    else if (begun.op === 'network.peers') {
      const peers = valueAt(line.output, '/peers');
      if (Array.isArray(peers)) for (const peer of peers) this.#route(begun.process, valueAt(peer, '/id'), 'peer');
    }
  }

  #observed({ t, node, stream, event, data, seq }: ObserveLine): void {
    if (stream === RESOURCES) return this.#used(t, node, data);
    if (stream === LOGS) return this.#said(t, node, data, seq);
    this.#mark('event', t, node, `${stream} ${event}`, seq);
  }

  #used(t: number, node: string, data: ObserveLine['data']): void {
    if (typeof data !== 'object' || data === null || Array.isArray(data)) return;
    for (const [what, value] of Object.entries(data)) {
      if (typeof value !== 'number') continue;
      const name = `${node}\0${what}`;
      const curve = this.#curves.get(name) ?? { node, what, points: [] };
      if (this.#curves.size < MOST_LANES * 4) this.#curves.set(name, curve);
      curve.points.push([Math.round(t), value]);
      // Every other one goes, but for the last: the shape stays.
      if (curve.points.length > MOST_POINTS) curve.points = curve.points.filter((_, index) => index % 2 === 0);
    }
  }

  #said(t: number, node: string, data: ObserveLine['data'], seq: number): void {
    const text = valueAt(data, '/text');
    if (typeof text !== 'string') return;
    const leftOut = valueAt(data, '/left_out');
    const said = text.slice(0, MOST_LOG_CHARACTERS) + (typeof leftOut === 'number' ? ` (${leftOut} left out before)` : '');
    this.#thinned({ t, ms: 0, lane: this.#lanes.of(node), kind: markKinds.indexOf('log'), text: 0, seq }, said);
  }

  #route(from: string, id: unknown, via: unknown): void {
    const to = typeof id === 'string' ? this.#nodes.get(id) : undefined;
    if (to === undefined || to === from || typeof via !== 'string') return;
    const name = `${from}\0${to}`;
    const route = this.#routes.get(name) ?? { from, to, via: {} };
    if (this.#routes.size >= MOST_ROUTES && !this.#routes.has(name)) return;
    this.#routes.set(name, route);
    route.via[via] = via === 'peer' ? 1 : (route.via[via] ?? 0) + 1;
  }

  #mark(kind: MarkKind, t: number, lane: string, text: string, seq: number, ms = 0): void {
    const mark = { t, ms, lane: this.#lanes.of(lane), kind: markKinds.indexOf(kind), text: this.#texts.of(text), seq };
    if (kind !== 'operation' && kind !== 'event') {
      if (this.#special.length < MOST_SPECIAL) this.#special.push(mark);
      return;
    }
    this.#thinned(mark);
  }

  #thinned(mark: Mark, said?: string): void {
    const number = this.#number++;
    if (number % this.#every !== 0) return;
    this.#ordinary.push({ mark, number, ...(said !== undefined && { said }) });
    if (this.#ordinary.length <= MOST_ORDINARY) return;
    this.#every *= 2;
    this.#ordinary = this.#ordinary.filter((kept) => kept.number % this.#every === 0);
  }
}

/** Numbers for names in the order in which they come; the last one stands for all that find no room. */
class Names {
  readonly all: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  of(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.all.length >= this.#most) {
      this.all[this.#most - 1] = 'others';
      return this.#most - 1;
    }
    this.#numbers.set(name, this.all.push(name) - 1);
    return this.all.length - 1;
  }
}
