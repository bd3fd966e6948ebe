/** `muster differ`: the first operation that two runs of the same seed and suites were answered differently. */
import { type Answer, AnsweredOperations, compare, type ProofReport, readBundleJournal } from '@muster/proof';
import { believedReport } from './bundle-commands.ts';
import { EXIT_FAILED, EXIT_UNUSABLE, Failure } from './failure.ts';
import { printJson, printLine } from './output.ts';

export interface DifferRequest {
  readonly one: string;
  readonly other: string;
  readonly json: boolean;
}

/** Resolves with 0 when they do not differ, 1 when they do. @throws Failure for bundles that cannot be compared */
export async function differ({ one, other, json }: DifferRequest): Promise<number> {
  const [first, second] = [await believedReport(one), await believedReport(other)];
  const why = incomparable(first, second);
  if (why !== undefined) throw new Failure(`${one} and ${other} cannot be compared: ${why}`, EXIT_UNUSABLE);
  const comparison = compare(await operationsOf(one), await operationsOf(other));
  const targets = [first, second].map(({ run }) => String(run!.inputs['target']));
  const { matched, unmatched, first: found } = comparison;
  if (matched === 0) throw new Failure('they have no operation in common', EXIT_UNUSABLE);
  if (json) await printJson({ ok: !found, targets, ...comparison });
  else if (!found) await printLine(`no divergence in ${matched} operations (${unmatched} were made by one only)`);
  else {
    const { place, process, surface, op, input, at, answers } = found;
    await printLine(
      [
        `operation ${place} of ${matched} is answered differently, in ${at}:`,
        `  ${process} ${surface} ${op} ${JSON.stringify(input)}`,
        ...answers.flatMap((answer, index) => [`${targets[index]}:`, `  ${inWords(answer)}`]),
      ].join('\n'),
    );
  }
  return found ? EXIT_FAILED : 0;
}

function incomparable(one: ProofReport, other: ProofReport): string | undefined {
  if (!one.run || !other.run) return 'one does not say which run it is of';
  if (one.run.seed !== other.run.seed) return `their seeds are ${one.run.seed} and ${other.run.seed}`;
  const [a, b] = [one, other].map(({ run }) => JSON.stringify(run!.filters));
  if (a !== b) return `they ran ${a} and ${b}`;
  return sizeOf(one) === sizeOf(other) ? undefined : 'they had other nodes, load or faults';
}

/** What was to happen, whoever it happened to. */
function sizeOf({ run }: ProofReport): string {
  const { nodes, messages, rate, duration, kills, trials, schedule } = (run!.inputs['plan'] ?? {}) as Readonly<Record<string, unknown>>;
  return JSON.stringify([nodes, messages, rate, duration, kills, trials, schedule]);
}

async function operationsOf(bundle: string): Promise<AnsweredOperations> {
  const operations = new AnsweredOperations();
  for await (const lines of readBundleJournal(bundle)) for (const line of lines) operations.add(line);
  return operations;
}

function inWords(answer: Answer | undefined): string {
  if (!answer) return 'no answer';
  const { outcome, status, output, error } = answer;
  return [outcome, status, JSON.stringify(output ?? error ?? null)].filter((part) => part !== undefined).join(' ');
}
