/** Every capability, by name. */
import type { Capability } from './capability.ts';
import { contacts } from './contacts.ts';
import { diagnostics } from './diagnostics.ts';
import { direct } from './direct.ts';
import { discovery } from './discovery.ts';
import { gui } from './gui.ts';
import { identity } from './identity.ts';
import { machines } from './machines.ts';
import { messaging } from './messaging.ts';
import { network } from './network.ts';
import { presence } from './presence.ts';
import { status } from './status.ts';
import { trust } from './trust.ts';
import { websocket } from './websocket.ts';

/** Capabilities by family and verb. */
export const families = { status, identity, messaging, contacts, trust, direct, network, diagnostics, discovery, machines, presence, websocket, gui };
export type Families = typeof families;

/** `direct.send` and the like */
export type CapabilityName = { [F in keyof Families & string]: `${F}.${keyof Families[F] & string}` }[keyof Families & string];

export type Registry = {
  readonly [N in CapabilityName]: N extends `${infer F extends keyof Families & string}.${infer V}`
    ? V extends keyof Families[F]
      ? Families[F][V]
      : never
    : never;
};

/** All capabilities of any registry, in the order of declaration. */
export type AnyRegistry = Readonly<Record<string, Capability>>;

function flatten(): Registry {
  const entries = Object.values<Record<string, Capability>>(families).flatMap((family) => Object.values(family));
  return Object.fromEntries(entries.map((declared) => [declared.name, declared])) as unknown as Registry;
}

export const registry: Registry = flatten();
