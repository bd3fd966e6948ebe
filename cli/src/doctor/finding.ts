/** What the doctor finds. */
import type { Instance } from '../instances.ts';

export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'problem';
  /** one line, in plain words */
  readonly message: string;
  /** what to do about it */
  readonly advice?: string | undefined;
}

/** Who is examined: what lies in its files. */
export interface Patient extends Instance {
  /** where its configuration is, or would be */
  readonly configFile: string;
}

export type Verdict = Omit<Finding, 'check'>;

export const ok = (message: string): Verdict => ({ status: 'ok', message });
export const warning = (message: string, advice?: string): Verdict => ({ status: 'warning', message, advice });
export const problem = (message: string, advice?: string): Verdict => ({ status: 'problem', message, advice });

const GRAVITY = ['ok', 'warning', 'problem'];

/** The gravest of several; of equals the first. */
export function gravest(first: Verdict, ...others: readonly Verdict[]): Verdict {
  return others.reduce((worst, each) => (GRAVITY.indexOf(each.status) > GRAVITY.indexOf(worst.status) ? each : worst), first);
}

/** An explanation of the node's engines is one sentence: what is wrong; what to do. */
export function problemOf(error: unknown): Verdict {
  const [message, ...advice] = (error instanceof Error ? error.message : String(error)).split('; ');
  return problem(message!, advice.join('; ') || undefined);
}
