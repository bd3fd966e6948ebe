/**
 * What happened in a simulation, as one running hash. Two runs of one seed have the same; where they do not, the marks on the way say
 * between which events, and a second look at those says which.
 */

/** events between two marks, at first; twice as many whenever there are too many marks, of which every second one then goes */
const MARK_EVERY = 1_024;
const MAX_MARKS = 65_536;

/** What one event was, in numbers: `[kind, virtual ms, …]`. */
export type Noted = readonly [kind: string, ...values: number[]];

export interface TraceWindow {
  /** first and last event to keep, counted from 1 */
  readonly from: number;
  readonly to: number;
}

const KINDS = ['task', 'bytes', 'packet', 'disk', 'call', 'answer', 'fault'] as const;
export type TraceKind = (typeof KINDS)[number];

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);

export interface TraceOptions {
  readonly window?: TraceWindow | undefined;
  /** what bytes were sent counts, too */
  readonly contents?: boolean;
  readonly maxMarks?: number;
}

export class Trace {
  /** the hash after every so many events */
  marks: string[] = [];
  /** events between two marks: a power of two times 1,024 */
  markEvery = MARK_EVERY;
  /** what happened inside the window */
  readonly kept: Noted[] = [];
  /** what bytes were sent counts, too, and not only how many */
  readonly contents: boolean;
  readonly #window: TraceWindow | undefined;
  readonly #maxMarks: number;
  #events = 0;
  #a = 0x9e3779b9;
  #b = 0x85ebca6b;

  constructor({ window, contents = true, maxMarks = MAX_MARKS }: TraceOptions = {}) {
    this.#maxMarks = maxMarks;
    this.contents = contents;
    this.#window = window;
  }

  get events(): number {
    return this.#events;
  }

  /** 16 hex characters */
  get hash(): string {
    return (this.#a >>> 0).toString(16).padStart(8, '0') + (this.#b >>> 0).toString(16).padStart(8, '0');
  }

  /** A task of this node begins; -1 stands for nobody's. */
  event(time: number, node: number): void {
    double[0] = time;
    this.#mix(halves[0]!);
    this.#mix(halves[1]! ^ node);
    if (this.#counts()) this.kept.push(['task', time, node, 0]);
  }

  /** Something that an event did: who, to whom or what, and how much of it. */
  note(kind: TraceKind, time: number, one: number, other: number, amount = 0, digest = 0): void {
    double[0] = time;
    this.#mix(halves[0]! + KINDS.indexOf(kind));
    this.#mix(halves[1]! ^ (one << 16) ^ other);
    this.#mix(amount);
    this.#mix(digest);
    if (this.#counts()) this.kept.push([kind, time, one, other, amount, digest]);
  }

  #mix(value: number): void {
    // Two lanes of MurmurHash3's body.
    const a = this.#a ^ Math.imul(value, 0xcc9e2d51);
    const b = this.#b ^ Math.imul(value, 0x1b873593);
    this.#a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
    this.#b = (Math.imul((b << 15) | (b >>> 17), 5) + 0x38b34ae5) | 0;
  }

  #mark(): void {
    this.marks.push(this.hash);
    if (this.marks.length < this.#maxMarks) return;
    this.marks = this.marks.filter((_, index) => index % 2 === 1);
    this.markEvery *= 2;
  }

  /** One event more. Is it inside the window? */
  #counts(): boolean {
    this.#events++;
    if (this.#events % this.markEvery === 0) this.#mark();
    return this.#window !== undefined && this.#events >= this.#window.from && this.#events <= this.#window.to;
  }
}

/** bytes of one array that go to many are looked at once */
const LONG_BYTES = 64;
const digests = new WeakMap<Uint8Array, number>();

/** 32 bits of what the bytes are, which must not change any more. */
export function digestOf(bytes: Uint8Array): number {
  if (bytes.length < LONG_BYTES) return fold(bytes);
  let digest = digests.get(bytes);
  if (digest === undefined) digests.set(bytes, (digest = fold(bytes)));
  return digest;
}

function fold(bytes: Uint8Array): number {
  let hash = bytes.length ^ 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash >>> 0;
}

/** Between which events two runs began to differ; undefined when they do not. */
export function differingWindow(one: Trace, other: Trace): TraceWindow | undefined {
  if (one.events === other.events && one.hash === other.hash) return undefined;
  const every = Math.max(one.markEvery, other.markEvery);
  const [a, b] = [one, other].map(({ marks, markEvery }) => marks.filter((_, index) => ((index + 1) * markEvery) % every === 0)) as [
    string[],
    string[],
  ];
  const count = Math.min(a.length, b.length);
  let mark = 0;
  while (mark < count && a[mark] === b[mark]) mark++;
  return { from: mark * every + 1, to: (mark + 1) * every };
}

/** The first event that was not the same, when both kept one window. */
export function firstDifference(
  one: Trace,
  other: Trace,
  { from }: TraceWindow,
): { readonly event: number; readonly one: Noted | undefined; readonly other: Noted | undefined } | undefined {
  for (let index = 0; index < Math.max(one.kept.length, other.kept.length); index++) {
    const [a, b] = [one.kept[index], other.kept[index]];
    if (JSON.stringify(a) !== JSON.stringify(b)) return { event: from + index, one: a, other: b };
  }
  return undefined;
}
