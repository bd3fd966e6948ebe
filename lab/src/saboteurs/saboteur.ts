import type { Registry } from '@muster/contract';
import type { Handlers, NodePorts, Services } from '@muster/node';

/** A node with one planted bug. */
export interface Saboteur {
  readonly name: string;
  /** what the planted bug does */
  readonly plants: string;
  /** name of the one node of a world that has the bug */
  readonly node: string;
  /** the check that must fail: its id, or the beginning of it with the scenario's whole id */
  readonly caughtBy: string;
  /** why it is hunted on daemons; the others are on virtual time */
  readonly daemons?: string;
  /** wraps exactly one of these */
  ports?(ports: NodePorts): NodePorts;
  handlers?(handlers: Handlers<Registry>, services: Services, clock: NodePorts['clock']): Partial<Handlers<Registry>>;
  /** changes what a service does */
  services?(services: Services): void;
  /** what its command line prints instead */
  prints?(text: string): string;
}
