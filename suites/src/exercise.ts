/** A scenario together with what it requires, so that the sentence and its proof are read in one place. */
import { type Phases, type Requirement, type Scenario, scenario, suite, type Suite } from '@muster/lab';

export interface Exercise {
  readonly requirements: readonly Requirement[];
  readonly scenario: Scenario;
}

type Declaration<State> = Omit<Scenario, 'phases' | 'requirements'> & { readonly phases: Phases<State> };

/** @param required requirement id → one testable sentence */
export function exercise<State = void>(required: Readonly<Record<string, string>>, declaration: Declaration<State>): Exercise {
  const requirements = Object.entries(required).map(([id, text]) => ({ id, text }));
  return { requirements, scenario: scenario<State>({ ...declaration, requirements: Object.keys(required) }) };
}

/** @throws RangeError as `suite` does */
export function suiteOf(name: string, title: string, exercises: readonly Exercise[]): Suite {
  return suite({
    name,
    title,
    requirements: exercises.flatMap(({ requirements }) => requirements),
    scenarios: exercises.map((each) => each.scenario),
  });
}
