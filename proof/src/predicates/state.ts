/** State survives a fault: what was read before it is read again after it healed. */
import { z } from 'zod';
import { type Reference, referenceSchema } from '../claim.ts';
import { sameJson, show } from '../json.ts';
import { fails, inconclusive, pass, type Predicate } from './predicate.ts';
import { ReferenceReader } from './recorded.ts';

interface StateSurvives {
  readonly fault: string;
  readonly values: readonly { readonly before: Reference; readonly after: Reference }[];
}

export const stateSurvives: Predicate<StateSurvives> = {
  name: 'state-survives',
  params: z.strictObject({
    fault: z.string(),
    values: z.array(z.strictObject({ before: referenceSchema, after: referenceSchema })).min(1),
  }),
  start({ fault, values }, frame, seq) {
    const reader = new ReferenceReader(values.flatMap(({ before, after }) => [before, after]));
    const stages = frame.stagesOf(fault, seq);
    return {
      interest: reader.interest,
      line: (line) => reader.line(line),
      result() {
        const applied = stages.get('applied')?.seq;
        const bit = stages.get('bit')?.seq;
        const healed = stages.get('healed')?.seq;
        if (applied === undefined || bit === undefined) return inconclusive('lab', `fault ${fault} was not seen to bite`);
        if (healed === undefined) return inconclusive('lab', `fault ${fault} was never healed`, [bit]);
        const evidence: number[] = [applied, bit, healed];
        for (const { before, after } of values) {
          const early = reader.read(before);
          if ('status' in early) return inconclusive('harness', `nothing to compare with: ${early.message}`, early.evidence);
          const late = reader.read(after);
          if ('status' in late) return late;
          if (early.evidence.some((seq) => seq >= applied) || late.evidence.some((seq) => seq <= healed)) {
            return inconclusive('harness', 'not read before and after the fault', [...early.evidence, ...late.evidence]);
          }
          evidence.push(...early.evidence, ...late.evidence);
          if (!sameJson(early.value, late.value)) {
            return fails(`was ${show(early.value)}, is ${show(late.value)}`, [...early.evidence, bit, ...late.evidence]);
          }
        }
        return pass(`${values.length} value${values.length === 1 ? '' : 's'} survived`, evidence);
      },
    };
  },
};
