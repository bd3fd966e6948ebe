/** Presence truth: nobody is shown as there who has long been gone, nor as gone who has long been there. */
import { z } from 'zod';
import { grown } from '../checkers/key-table.ts';
import { falseSince, type Life, type Span, type View } from '../checkers/presence.ts';
import { type Observations, observationsSchema } from '../claim.ts';
import { type Json, type JsonPointer, sameJson, valueAt } from '../json.ts';
import type { Frame } from '../frame.ts';
import type { FaultLine, ObserveLine } from '../journal.ts';
import { fails, judged, pass, type Predicate } from './predicate.ts';
import { picksObservation } from './recorded.ts';

export interface PresenceTrue {
  readonly reports: Observations;
  /** into `data`: whom it is about, by node name or agent id; the observer is the node that said it */
  readonly subject: JsonPointer;
  /** into `data`: what is shown, and the values of it that mean online */
  readonly state: JsonPointer;
  readonly online: readonly Json[];
  /** kinds of faults that take a node away from the moment they bite until they are healed */
  readonly downs: readonly string[];
  /** ms in which it must be noticed that a node is gone, or there again */
  readonly within: number;
  /** ms in which it must be noticed that a node is there, when it is not as much */
  readonly upWithin?: number | undefined;
  /** true: a report stands until the next one about the same node; false: it is a look at one moment */
  readonly stands?: boolean | undefined;
}

/** What one node said of another one: 13 bytes a report, for there may be millions. */
class Reports {
  size = 0;
  #online = new Uint8Array(16);
  #t = new Float64Array(16);
  #seqs = new Uint32Array(16);

  add(online: boolean, t: number, seq: number): void {
    if (this.size === this.#t.length) {
      const room = Math.ceil(this.size * 1.5);
      [this.#online, this.#t, this.#seqs] = [grown(this.#online, room), grown(this.#t, room), grown(this.#seqs, room)];
    }
    this.#online[this.size] = Number(online);
    this.#t[this.size] = t;
    this.#seqs[this.size++] = seq;
  }

  online(index: number): boolean {
    return this.#online[index] === 1;
  }

  /** undefined beyond the last one */
  t(index: number): number | undefined {
    return index < this.size ? this.#t[index] : undefined;
  }

  seq(index: number): number {
    return this.#seqs[index]!;
  }
}
const shown = 5;

export const presenceTrue: Predicate<PresenceTrue> = {
  name: 'presence-true',
  params: z.strictObject({
    reports: observationsSchema,
    subject: z.string(),
    state: z.string(),
    online: z.array(z.custom<Json>((value) => value !== undefined)).min(1),
    downs: z.array(z.string()),
    within: z.number().min(0),
    upWithin: z.number().min(0).optional(),
    stands: z.boolean().optional(),
  }),
  start({ reports, subject, state, online, downs, within, upWithin = within, stands = false }, frame, seq) {
    const byPair = new Map<string, { readonly observer: string; readonly subject: string; readonly reports: Reports }>();
    let end = 0;
    const report = (line: ObserveLine): void => {
      const about = valueAt(line.data, subject);
      if (typeof about !== 'string') return;
      const name = frame.nodeName(about);
      const value = valueAt(line.data, state);
      const pair = `${line.node}\n${name}`;
      const known = byPair.get(pair) ?? { observer: line.node, subject: name, reports: new Reports() };
      byPair.set(pair, known);
      const says = online.some((one) => sameJson(one, value));
      known.reports.add(says, line.t, line.seq);
    };
    return {
      interest: { types: ['observe'] },
      line(line) {
        end = line.t;
        if (line.type === 'observe' && picksObservation(reports, line)) report(line);
      },
      result() {
        const known = livesOf(frame, seq, new Set(downs), end);
        const wrong: { readonly what: string; readonly seq: number }[] = [];
        let count = 0;
        for (const { observer, subject: about, reports: all } of byPair.values()) {
          count += all.size;
          for (let index = 0; index < all.size; index++) {
            const [said, t] = [all.online(index), all.t(index)!];
            const to = stands ? (all.t(index + 1) ?? end + 1) : t;
            const view: View = { observer, subject: about, online: said, from: t, to };
            const since = falseSince(view, known, said ? within : upWithin);
            if (since !== undefined)
              wrong.push({ what: `${observer} showed ${about} as ${said ? 'online' : 'gone'} at ${since} ms`, seq: all.seq(index) });
          }
        }
        if (count === 0) return judged('unverified', 'harness', 'nobody said who is there');
        const bounds = within === upWithin ? `more than ${within} ms` : `more than ${within} ms, or ${upWithin} ms where a node was there`;
        if (wrong.length === 0) return pass(`${count} reports, none false for ${bounds}`);
        const seqs = wrong.slice(0, 100).map((one) => one.seq);
        return fails(`${wrong.length} of ${count} reports false for ${bounds}: ${wrong.slice(0, shown).map(({ what }) => what).join(', ')}`, seqs); // prettier-ignore
      },
    };
  },
};

/** When the nodes of the last world were certainly up and down, by the faults that were seen to bite and to be healed. */
function livesOf(frame: Frame, seq: number, downs: ReadonlySet<string>, end: number): ReadonlyMap<string, Life> {
  const world = frame.worldsBefore(seq).at(-1);
  const stages = [...frame.faults.values()].filter(({ kind }) => downs.has(kind)).flatMap(({ id }) => [...frame.stagesOf(id, seq).values()]);
  const lives = new Map<string, { up: Span[]; down: Span[] }>();
  for (const { name } of world?.nodes ?? []) {
    const life: { up: Span[]; down: Span[] } = { up: [], down: [] };
    let up: number | undefined = world!.t;
    let down: number | undefined;
    const close = (t: number) => {
      if (up !== undefined) life.up.push([up, t]);
      if (down !== undefined && t > down) life.down.push([down, t]);
      [up, down] = [undefined, undefined];
    };
    for (const line of stages.filter((one) => one.node === name && one.seq > world!.seq).toSorted((a, b) => a.seq - b.seq)) {
      if (line.stage === 'bit') {
        close(line.t);
        down = line.t;
      } else if (line.stage === 'healed') close(line.t - healingTime(line));
      else if (line.stage === 'heal_seen') up = line.t;
      else if (up !== undefined) close(line.t);
    }
    close(end);
    lives.set(name, life);
  }
  return lives;
}

/** A node that is started again is up some time before the lab says so. */
function healingTime({ evidence }: FaultLine): number {
  const boot = valueAt(evidence, '/boot_ms');
  return typeof boot === 'number' ? boot + 1 : 0;
}
