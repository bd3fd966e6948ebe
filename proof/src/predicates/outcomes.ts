/** Predicates over how an operation ended. */
import { z } from 'zod';
import type { JournalLine } from '../journal.ts';
import { fails, inconclusive, type Judgement, pass, type Predicate } from './predicate.ts';
import { type Operation, ReferenceReader } from './recorded.ts';

function overOperation<P extends { op: string }>(
  name: string,
  params: z.ZodType<P>,
  judge: (operation: Operation, params: P, evidence: readonly number[]) => Judgement,
): Predicate<P> {
  return {
    name,
    params,
    start(given) {
      const reader = new ReferenceReader([{ op: given.op, at: '' }]);
      return {
        interest: reader.interest,
        line: (line: JournalLine) => reader.line(line),
        result() {
          const operation = reader.operation(given.op);
          if (!operation) return inconclusive('harness', `operation ${given.op} is not in the range of the check`);
          return judge(operation, given, [operation.invoked, operation.completed ?? operation.invoked]);
        },
      };
    },
  };
}

/** HTTP status, or exit code on the CLI. */
export const status = overOperation(
  'status',
  z.strictObject({ op: z.string(), allowed: z.array(z.int()).min(1) }),
  (operation, { allowed }, evidence) => {
    const wanted = allowed.join(' or ');
    if (operation.status === undefined) return fails(`${operation.op}: no answer, expected ${wanted}`, evidence);
    const message = `${operation.op}: status ${operation.status}`;
    return allowed.includes(operation.status) ? pass(message, evidence) : fails(`${message}, expected ${wanted}`, evidence);
  },
);

/** `ok`: done. `fail`: certainly not done. `info`: unknown. */
export const outcome = overOperation(
  'outcome',
  z.strictObject({ op: z.string(), outcome: z.enum(['ok', 'fail', 'info']) }),
  (operation, { outcome: wanted }, evidence) =>
    operation.outcome === wanted
      ? pass(`${operation.op}: ${wanted}`, evidence)
      : fails(`${operation.op}: ${operation.outcome}, expected ${wanted}`, evidence),
);
