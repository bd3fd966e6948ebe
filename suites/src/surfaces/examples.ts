/** The contract's examples, made into inputs for the nodes that are there. */
import { type Capability, type ExampleCall, type ExampleValues, exampleInput } from '@muster/contract';
import type { CallName } from '@muster/client';
import type { NodeHandle, Operation, ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { required } from './requirements.ts';

export interface Cast {
  /** the node whose surfaces are exercised */
  readonly self: NodeHandle;
  readonly peer: NodeHandle;
}

/** Fills in what an example only names. @throws RangeError for a name that means nothing */
function filledIn(values: ExampleValues, { self, peer }: Cast, before?: unknown): Record<string, unknown> {
  const known: Record<string, unknown> = {
    '$self.agent_id': self.agentId,
    '$self.machine_id': self.machineId,
    '$peer.agent_id': peer.agentId,
    '$peer.machine_id': peer.machineId,
  };
  const meaning = (value: unknown): unknown => {
    if (typeof value !== 'string' || !value.startsWith('$')) return value;
    if (value.startsWith('$before.')) return (before as Record<string, unknown> | undefined)?.[value.slice('$before.'.length)];
    if (!Object.hasOwn(known, value)) throw new RangeError(`an example names ${value}, which means nothing`);
    return known[value];
  };
  return Object.fromEntries(Object.entries(values).map(([field, value]) => [field, meaning(value)]));
}

/** Makes the call of an example; by whom and with what it says. */
export function make(cast: Cast, { call, input = {}, by = 'self' }: ExampleCall, before?: unknown): Promise<Operation> {
  return cast[by].rest(call as CallName, filledIn(input, cast, before) as never);
}

export interface Prepared {
  readonly input: Record<string, unknown>;
  /** fields of the frame that says the same on a socket */
  readonly frame: Record<string, unknown>;
}

/** Does what the example needs, and gives its input. What goes wrong with that is claimed as a failure, under `check`. */
export async function prepared({ claim }: Pick<ScenarioContext, 'claim'>, cast: Cast, capability: Capability, check: string): Promise<Prepared> {
  const { example = {} } = capability;
  let before: unknown;
  for (const [index, call] of (example.before ?? []).entries()) {
    const done = await make(cast, call, before);
    if (done.outcome !== 'ok')
      claim(`${check}/before-${index + 1}`, required.answers.id, 'MUST', claims.outcome(done, 'ok'), { title: `${call.call} makes it possible` });
    before = done.output;
  }
  const input = { ...exampleInput(capability), ...filledIn(example.input ?? {}, cast, before) };
  return { input, frame: example.frame ? filledIn(example.frame, cast, before) : input };
}
