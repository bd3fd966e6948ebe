/**
 * Is there one order of operations, each between its beginning and its end, in which every answer was right? The search of
 * Wing and Gong with the memory of Lowe: exponential at worst, so it counts its steps and gives up after so many. Steps,
 * not time: whoever judges the same history again comes to the same end.
 */

/** What an object does. `state` is any text; returns the state afterwards, or undefined when the action cannot have had that answer there. */
export type Model<Action> = (state: string, action: Action) => string | undefined;

export interface Call<Action> {
  readonly action: Action;
  /** moments: any numbers that grow, all different */
  readonly from: number;
  /** Infinity: it may happen at any time after `from`, or never */
  readonly to: number;
}

type Linearity = 'yes' | 'no' | 'unknown';

export interface Search {
  readonly linear: Linearity;
  readonly steps: number;
  /** of a `no`: the most calls that could be put in order, by their place in the list */
  readonly longest: readonly number[];
}

interface Edge {
  readonly call: number;
  readonly begins: boolean;
  /** the end that belongs to a beginning */
  match: Edge | undefined;
  before: Edge | undefined;
  after: Edge | undefined;
}

export function linearize<Action>(calls: readonly Call<Action>[], model: Model<Action>, initial: string, mostSteps: number): Search {
  const head = edgesOf(calls);
  const done = new Done(calls.length);
  const sure = calls.filter(({ to }) => to !== Infinity).length;
  const seen = new Set<string>();
  const path: { readonly edge: Edge; readonly state: string }[] = [];
  let longest: readonly number[] = [];
  let state = initial;
  let surely = 0;
  let edge = head.after;
  for (let steps = 1; ; steps++) {
    if (surely === sure) return { linear: 'yes', steps, longest: [] };
    if (steps > mostSteps) return { linear: 'unknown', steps, longest };
    if (edge?.begins) {
      const { call } = edge;
      const next = model(state, calls[call]!.action);
      if (next !== undefined) {
        done.flip(call);
        const memory = `${done.text}${next}`;
        steps += done.weight;
        if (!seen.has(memory)) {
          seen.add(memory);
          path.push({ edge, state });
          state = next;
          if (calls[call]!.to !== Infinity) surely += 1;
          lift(edge);
          edge = head.after;
          if (path.length > longest.length) longest = path.map((one) => one.edge.call);
          continue;
        }
        done.flip(call);
      }
      edge = edge.after;
      continue;
    }
    // The end of a call that has not been put in order: something earlier was put wrong.
    const last = path.pop();
    if (!last) return { linear: 'no', steps, longest };
    const { call } = last.edge;
    state = last.state;
    done.flip(call);
    if (calls[call]!.to !== Infinity) surely -= 1;
    unlift(last.edge);
    edge = last.edge.after;
  }
}

const bitsPerUnit = 16;
/** Remembering this many units costs as much as a step. */
const unitsPerStep = 64;

/** Which calls have been put in order, as a text to remember. */
class Done {
  readonly weight: number;
  readonly #units: Uint16Array;

  constructor(calls: number) {
    this.#units = new Uint16Array(Math.ceil(calls / bitsPerUnit));
    this.weight = Math.floor(this.#units.length / unitsPerStep);
  }

  get text(): string {
    let text = '';
    for (const unit of this.#units) text += String.fromCharCode(unit);
    return text;
  }

  flip(call: number): void {
    this.#units[Math.floor(call / bitsPerUnit)]! ^= 1 << (call % bitsPerUnit);
  }
}

/** Beginnings and ends in the order of their moments, linked; calls without an end have none in the list. */
function edgesOf<Action>(calls: readonly Call<Action>[]): Edge {
  const timed: { readonly at: number; readonly edge: Edge }[] = [];
  for (const [call, { from, to }] of calls.entries()) {
    const begin: Edge = { call, begins: true, match: undefined, before: undefined, after: undefined };
    timed.push({ at: from, edge: begin });
    if (to === Infinity) continue;
    begin.match = { call, begins: false, match: undefined, before: undefined, after: undefined };
    timed.push({ at: to, edge: begin.match });
  }
  const head: Edge = { call: -1, begins: true, match: undefined, before: undefined, after: undefined };
  let last = head;
  for (const { edge } of timed.toSorted((a, b) => a.at - b.at)) {
    last.after = edge;
    edge.before = last;
    last = edge;
  }
  return head;
}

function lift(edge: Edge): void {
  for (const one of [edge, edge.match]) {
    if (!one) continue;
    one.before!.after = one.after;
    if (one.after) one.after.before = one.before;
  }
}

function unlift(edge: Edge): void {
  for (const one of [edge.match, edge]) {
    if (!one) continue;
    one.before!.after = one;
    if (one.after) one.after.before = one;
  }
}
