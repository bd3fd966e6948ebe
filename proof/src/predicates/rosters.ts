/** Roster agreement: whoever shows an epoch of a group shows the same members, nobody goes back, and in the end all are at one. */
import { z } from 'zod';
import { type Observations, observationsSchema } from '../claim.ts';
import { type JsonPointer, show, valueAt } from '../json.ts';
import { keyOf } from './book.ts';
import { fails, inconclusive, judged, pass, type Predicate } from './predicate.ts';
import { picksObservation } from './recorded.ts';

export interface RostersAgree {
  readonly rosters: Observations;
  /** pointers into `data`: the group (one when not given), its epoch (a number), its members */
  readonly group?: JsonPointer | undefined;
  readonly epoch: JsonPointer;
  readonly members: JsonPointer;
  /** into each member */
  readonly member?: JsonPointer | undefined;
  /** nodes whose last rosters must be of the same epoch */
  readonly final?: readonly string[] | undefined;
}

export const rostersAgree: Predicate<RostersAgree> = {
  name: 'rosters-agree',
  params: z.strictObject({
    rosters: observationsSchema,
    group: z.string().optional(),
    epoch: z.string(),
    members: z.string(),
    member: z.string().optional(),
    final: z.array(z.string()).optional(),
  }),
  start({ rosters, group, epoch: epochAt, members: membersAt, member, final = [] }) {
    const byEpoch = new Map<string, { readonly members: string; readonly node: string; readonly seq: number }>();
    const last = new Map<string, Map<string, { readonly epoch: number; readonly seq: number }>>();
    let wrong: { readonly what: string; readonly seqs: readonly number[] } | undefined;
    let count = 0;
    return {
      interest: { types: ['observe'] },
      line(line) {
        if (line.type !== 'observe' || wrong || !picksObservation(rosters, line)) return;
        const epoch = valueAt(line.data, epochAt);
        const list = valueAt(line.data, membersAt);
        if (typeof epoch !== 'number' || !Array.isArray(list)) {
          wrong = { what: `${line.node} shows no roster: ${show(line.data)}`, seqs: [line.seq] };
          return;
        }
        count += 1;
        const name = group === undefined ? '' : (keyOf(line.data, group) ?? '');
        const members = [...new Set(list.map((one) => keyOf(one, member ?? '') ?? ''))].toSorted().join('\n');
        const known = byEpoch.get(`${epoch} ${name}`);
        if (!known) byEpoch.set(`${epoch} ${name}`, { members, node: line.node, seq: line.seq });
        else if (known.members !== members) {
          wrong = { what: `${known.node} and ${line.node} show other members of epoch ${epoch}`, seqs: [known.seq, line.seq] };
        }
        const lasts = last.get(name) ?? new Map<string, { epoch: number; seq: number }>();
        last.set(name, lasts);
        const before = lasts.get(line.node);
        if (before && before.epoch > epoch)
          wrong ??= { what: `${line.node} went back from epoch ${before.epoch} to ${epoch}`, seqs: [before.seq, line.seq] };
        lasts.set(line.node, { epoch, seq: line.seq });
      },
      result() {
        if (wrong) return fails(wrong.what, wrong.seqs);
        if (count === 0) return judged('unverified', 'harness', 'no roster was shown');
        for (const lasts of last.values()) {
          const ends = final.map((node) => ({ node, end: lasts.get(node) }));
          const silent = ends.find(({ end }) => !end);
          if (silent) return inconclusive('harness', `${silent.node} never showed its roster`);
          const apart = ends.find(({ end }) => end!.epoch !== ends[0]!.end!.epoch);
          if (apart) {
            const [one, other] = [ends[0]!.end!, apart.end!];
            return fails(`${ends[0]!.node} ended at epoch ${one.epoch}, ${apart.node} at ${other.epoch}`, [one.seq, other.seq]);
          }
        }
        return pass(`${count} rosters of ${byEpoch.size} epochs agree`);
      },
    };
  },
};
