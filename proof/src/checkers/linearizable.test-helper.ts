/** What a search must come to. */
import type { Call } from './linearizable.ts';

/** Tries every order, of every choice of what never ended. `model`: what an action makes of the state; undefined: it cannot have happened there */
export function explained<Action, State>(
  calls: readonly Call<Action>[],
  model: (state: State, action: Action) => State | undefined,
  state: State,
): boolean {
  if (calls.every(({ to }) => to === Infinity)) return true;
  return calls.some((call, index) => {
    if (calls.some((other) => other.to < call.from)) return false;
    const next = model(state, call.action);
    return next !== undefined && explained(calls.toSpliced(index, 1), model, next);
  });
}
