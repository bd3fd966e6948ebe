/** What there is to exercise: the capabilities that a target declares, by how they are called, and the surfaces of each. */
import { type Capability, cliForm, registry } from '@muster/contract';
import type { CallName, SocketName, StreamName } from '@muster/client';
import type { ScenarioContext } from '@muster/lab';
import type { Surface } from '@muster/proof';

const all: readonly Capability[] = Object.values<Capability>(registry);

/** It ends the node, so it has a scenario of its own. */
const SHUTDOWN = 'status.shutdown';

type Declared = Pick<ScenarioContext, 'capabilities'>;

export interface Call extends Capability {
  readonly name: CallName;
}
export interface Stream extends Capability {
  readonly name: StreamName;
}
export interface Socket extends Capability {
  readonly name: SocketName;
}

export function isCall(capability: Capability): capability is Call {
  return !isStream(capability) && !isSocket(capability);
}
const isStream = (capability: Capability): capability is Stream => capability.shape === 'stream';
const isSocket = (capability: Capability): capability is Socket => capability.shape === 'socket';

export const callsOf = ({ capabilities }: Declared): Call[] => all.filter(isCall).filter(({ name }) => capabilities.has(name) && name !== SHUTDOWN);
export const streamsOf = ({ capabilities }: Declared): Stream[] => all.filter(isStream).filter(({ name }) => capabilities.has(name));
export const socketsOf = ({ capabilities }: Declared): Socket[] => all.filter(isSocket).filter(({ name }) => capabilities.has(name));
/** In the registry, but not declared by the target. */
export const undeclaredOf = ({ capabilities }: Declared): Capability[] => all.filter(({ name }) => !capabilities.has(name));

/** The socket that says or takes frames of this type. */
export function socketFor(context: Declared, type: string): Socket | undefined {
  return socketsOf(context).find(({ events, frames }) => Object.hasOwn(events, type) || (frames !== undefined && Object.hasOwn(frames, type)));
}

/** The `type` of the frame that does the same as a call, or that brings the events of a stream. */
export function frameType({ surfaces }: Capability): string | undefined {
  return typeof surfaces.ws === 'string' ? surfaces.ws : undefined;
}

/** Where a capability must have been answered, as its operations are recorded. */
export function surfacesOf(capability: Capability): { readonly op: string; readonly surface: Surface }[] {
  const { name: op } = capability;
  const surfaces: Surface[] = isSocket(capability) ? ['ws'] : ['rest'];
  if (cliForm(capability)) surfaces.push('cli');
  if (capability.surfaces.client === true && !isSocket(capability)) surfaces.push(isStream(capability) ? 'sse' : 'client');
  if (frameType(capability) !== undefined && !isSocket(capability)) surfaces.push('ws');
  return surfaces.map((surface) => ({ op, surface }));
}
