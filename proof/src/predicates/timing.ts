/** Predicates over the journal's clock. */
import { z } from 'zod';
import { type Moment, momentSchema } from '../claim.ts';
import type { JournalLine } from '../journal.ts';
import { fails, type Interest, pass, type Predicate } from './predicate.ts';
import { picksObservation } from './recorded.ts';

function marks(moment: Moment, line: JournalLine): boolean {
  if ('op' in moment) {
    if (moment.edge === 'invoke') return line.type === 'invoke' && line.id === moment.op;
    return (line.type === 'ok' || line.type === 'fail' || line.type === 'info') && line.id === moment.op;
  }
  if ('fault' in moment) return line.type === 'fault' && line.id === moment.fault && line.stage === moment.stage;
  if ('seq' in moment) return line.seq === moment.seq;
  return line.type === 'observe' && picksObservation(moment.observe, line);
}

function interestOf(...moments: Moment[]): Interest {
  return {
    ops: moments.flatMap((moment) => ('op' in moment ? [moment.op] : [])),
    seqs: moments.flatMap((moment) => ('seq' in moment ? [moment.seq] : [])),
    types: moments.flatMap((moment) => ('fault' in moment ? ['fault' as const] : 'observe' in moment ? ['observe' as const] : [])),
  };
}

/** From the first line that marks `from` to the first after it that marks `to`: at most `limit` ms by the journal's clock. */
export const elapsedAtMost: Predicate<{ from: Moment; to: Moment; limit: number }> = {
  name: 'elapsed-at-most',
  params: z.strictObject({ from: momentSchema, to: momentSchema, limit: z.number().min(0) }),
  start({ from, to, limit }) {
    let begun: JournalLine | undefined;
    let ended: JournalLine | undefined;
    return {
      interest: interestOf(from, to),
      line(line) {
        if (!begun) {
          if (marks(from, line)) begun = line;
        } else if (!ended && marks(to, line)) ended = line;
      },
      result() {
        if (!begun) return { status: 'inconclusive', blame: 'harness', message: 'the first moment is not in the range', evidence: [] };
        if (!ended) return fails('the second moment never came', [begun.seq]);
        const elapsed = Math.round((ended.t - begun.t) * 1000) / 1000;
        const evidence = [begun.seq, ended.seq];
        return elapsed <= limit ? pass(`${elapsed} ms, at most ${limit} ms`, evidence) : fails(`${elapsed} ms, not at most ${limit} ms`, evidence);
      },
    };
  },
};
