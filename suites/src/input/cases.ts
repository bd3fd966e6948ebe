/** Generated bad input, and what is claimed of the answer to it. */
import { type BadInput, badInputs, type Capability, type CapabilityName, registry } from '@muster/contract';
import type { Operation, SeededRandom } from '@muster/lab';
import { at, type Claim, claims } from '@muster/proof';

/** A case that must be refused. */
export interface RefusedInput extends BadInput {
  readonly capability: CapabilityName;
  readonly expect: Extract<BadInput['expect'], { readonly outcome: 'refused' }>;
}

/** Stopping the node is no bad input; it takes none. */
const LEFT_OUT: ReadonlySet<string> = new Set<CapabilityName>(['status.shutdown']);

function isRefused(input: BadInput): input is RefusedInput {
  return input.expect.outcome === 'refused';
}

/** Every case that must be refused, of the capabilities that the target declares. */
export function refusedInputs(declared: ReadonlySet<string>): RefusedInput[] {
  return Object.values<Capability>(registry)
    .filter(({ name }) => declared.has(name) && !LEFT_OUT.has(name))
    .flatMap((capability) => badInputs(capability).filter(isRefused));
}

/** One case of each capability and status. */
export function sampleOf<Input extends RefusedInput>(inputs: readonly Input[], random: SeededRandom): Input[] {
  const groups = Map.groupBy(inputs, ({ capability, expect }) => `${capability} ${expect.status}`);
  return [...groups.values()].map((group) => random.pick(group));
}

/** The refusal holds the name of the field, or what is wrong with the body: as text, or as the error of a JSON body. */
export function namesProblem(answer: Operation, { expect }: RefusedInput): Claim {
  return claims.includes(at(answer, typeof answer.output === 'string' ? '/output' : '/output/error'), expect.mentions);
}
