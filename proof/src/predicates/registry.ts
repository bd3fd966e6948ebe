/** Every predicate by name. Nothing else decides. */
import type { Frame } from '../frame.ts';
import { withinBudget } from './budget.ts';
import { registerConverged, setConverged } from './convergence.ts';
import { countersAgree } from './counters.ts';
import { deliveredAtMostOnce, deliveredExactlyOnce, deliveredInOrder } from './delivery.ts';
import { resourceEnvelope } from './envelope.ts';
import { balanced } from './ledger.ts';
import { completed, notRun, skipped } from './lifecycle.ts';
import { linearizable } from './linearizable.ts';
import { converged, never, occurs } from './observations.ts';
import { outcome, status } from './outcomes.ts';
import type { Predicate, Reducer } from './predicate.ts';
import { presenceTrue } from './presence.ts';
import { rostersAgree } from './rosters.ts';
import { succeedsAtRate } from './sequential.ts';
import { stateSurvives } from './state.ts';
import { answered, sameAnswer } from './surfaces.ts';
import { elapsedAtMost } from './timing.ts';
import * as values from './values.ts';

/** A predicate whose parameters are checked when it starts. */
interface BoundPredicate {
  readonly bookkeeping: boolean;
  /** @returns what is wrong with the parameters, when something is */
  start(params: unknown, frame: Frame, seq: number): Reducer | string;
}

const registry = new Map<string, BoundPredicate>();

function register<P>(predicate: Predicate<P>): void {
  registry.set(predicate.name, {
    bookkeeping: predicate.bookkeeping ?? false,
    start(params, frame, seq) {
      const parsed = predicate.params.safeParse(params);
      if (parsed.success) return predicate.start(parsed.data, frame, seq);
      const issue = parsed.error.issues[0];
      return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`;
    },
  });
}

register(values.equals);
register(values.differs);
register(values.bytesEqual);
register(values.matches);
register(values.oneOf);
register(values.includes);
register(values.excludes);
register(values.atMost);
register(values.atLeast);
register(values.exists);
register(values.absent);
register(status);
register(outcome);
register(elapsedAtMost);
register(occurs);
register(never);
register(converged);
register(deliveredExactlyOnce);
register(deliveredAtMostOnce);
register(deliveredInOrder);
register(balanced);
register(setConverged);
register(registerConverged);
register(rostersAgree);
register(presenceTrue);
register(linearizable);
register(resourceEnvelope);
register(succeedsAtRate);
register(countersAgree);
register(stateSurvives);
register(sameAnswer);
register(answered);
register(withinBudget);
register(completed);
register(skipped);
register(notRun);

export function findPredicate(name: string): BoundPredicate | undefined {
  return registry.get(name);
}

export const predicateNames: readonly string[] = [...registry.keys()];
