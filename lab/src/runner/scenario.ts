/** What a suite is made of: scenarios that drive nodes, record what happens, and claim. They never decide. */
import type { CapabilityName } from '@muster/contract';
import type { CheckResult, Claim, Json, Surface } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import type { Partition, PartitionShape, Selector } from '../faults/cuts.ts';
import type { Fault, FaultLimits } from '../faults/fault-injector.ts';
import type { Link } from '../faults/link-path.ts';
import type { LinkConditions } from '../faults/link-shaper.ts';
import type { NodeHandle } from '../record/node-handle.ts';
import type { Operation, Recorder } from '../record/recorder.ts';
import type { Usage } from '../record/resource-sampler.ts';
import type { Liar } from '../liars/liars.ts';
import type { Power } from '../targets/target.ts';
import type { Wiring } from '../world/local-process.ts';
import type { SeededRandom } from './random.ts';

export interface Requirement {
  /** stable, dotted: `direct.committed-before-ok` */
  readonly id: string;
  /** one sentence, testable */
  readonly text: string;
  /** why no scenario exercises it; left out where one does */
  readonly excluded?: string;
}

export interface Needs {
  readonly nodes: number;
  /** what they are called, where that matters */
  readonly names?: readonly string[];
  readonly capabilities?: readonly CapabilityName[];
  readonly powers?: readonly Power[];
  /** powers that it goes without where they are missing */
  readonly uses?: readonly Power[];
  readonly surfaces?: readonly Surface[];
  /** why it cannot share its world, where no power or wiring says so already */
  readonly exclusive?: string;
  /** nodes that lie, by name, and how; needs the power `liars` */
  readonly liars?: Readonly<Record<string, Liar>>;
  readonly wiring?: Wiring;
  /** so many of its nodes share a process, and end together */
  readonly crowd?: number;
  /** further configuration keys of all nodes, top level */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** all nodes belong to one human, whose key lies beside them */
  readonly human?: true;
  /** it judges how nodes find each other, and so gets them as they boot; others that share a world get it linked */
  readonly unlinked?: true;
}

export interface ClaimOptions {
  readonly title?: string;
  /** what must have occurred for the claim to mean anything; else it is `unverified` */
  readonly premise?: Claim;
  /** default: from the scenario's begin to now */
  readonly range?: readonly [number, number];
  /** faults that must have been seen to bite */
  readonly needsFaults?: readonly (Fault | string)[];
  readonly blame?: CheckResult['blame'];
}

export interface Waited<T> {
  /** false: the deadline came first */
  readonly held: boolean;
  readonly value?: T;
  /** ms it took, or that were spent in vain */
  readonly ms: number;
  /** the line that says so: `{seq, at: '/data/ms'}` for a claim; absent there when it did not hold */
  readonly seq: number;
}

export interface FaultTools {
  /** SIGKILL; healing starts the node again with the same home */
  kill(node: NodeHandle, limits?: FaultLimits): Promise<Fault>;
  pause(node: NodeHandle, limits?: FaultLimits): Promise<Fault>;
  /** orderly end; healing starts the node again with the same home */
  restart(node: NodeHandle, limits?: FaultLimits): Promise<Fault>;
  /** the other end of the link no longer hears `silent`; needs the wiring `proxied` */
  halfOpen(link: Link, silent: NodeHandle, limits?: FaultLimits): Promise<Fault>;
  /** the next message that `sender` sends over the link arrives in part, and its connection is over; needs the wiring `proxied` */
  cutMessage(link: Link, sender: NodeHandle, limits?: FaultLimits): Promise<Fault>;
  /** the machine goes dark, and what it had not synced is lost; healing starts the node again. Needs the power `power` */
  losePower(node: NodeHandle, limits?: FaultLimits): Promise<Fault>;
  /** the node's wall clock goes wrong by so many ms, at least 4,000 either way; needs the power `clock`, as one of those that are used */
  skewClock(node: NodeHandle, ms: number, limits?: FaultLimits): Promise<Fault>;
  /** the node's wall clock runs too fast by so many parts per million, or too slowly; bites once it is off by what can be read. Needs the power `clock`, as one of those that are used */
  driftClock(node: NodeHandle, ppm: number, limits?: FaultLimits): Promise<Fault>;
  /** nothing more fits on the node's disk; bites once it has tried. Needs the power `disk-full`, as one of those that are used */
  fillDisk(node: NodeHandle, limits?: FaultLimits): Promise<Fault>;
  /** each durable write of the node takes so many ms; needs the power `disk-slow`, as one of those that are used */
  slowDisk(node: NodeHandle, ms: number, limits?: FaultLimits): Promise<Fault>;
  /** the nodes fall into parts, drawn by chance where no order of theirs is given; needs the wiring `proxied` */
  partition(shape: PartitionShape, limits?: FaultLimits, order?: readonly string[]): Promise<Fault & { readonly partition: Partition }>;
  /** all paths from and to the selected nodes become bad; needs the wiring `proxied` */
  badPaths(whose: Selector, conditions: LinkConditions, limits?: FaultLimits): Promise<Fault>;
}

export interface ScenarioContext {
  /** as many as it needs, at least */
  readonly nodes: readonly NodeHandle[];
  /** links that can be cut */
  readonly links: readonly Link[];
  /** what the lab can do to its nodes */
  readonly powers: readonly Power[];
  /** what the target declares */
  readonly capabilities: ReadonlySet<string>;
  /** values given to the run: `messages`, `rate` … */
  readonly settings: Readonly<Record<string, Json>>;
  readonly record: Recorder;
  /** records what the nodes' processes use now, beside what is recorded every second; nothing where they are no processes of this lab */
  readonly sample: () => Promise<ReadonlyMap<string, Usage>>;
  readonly faults: FaultTools;
  readonly clock: LabClock;
  readonly random: SeededRandom;
  /** aborted when the scenario's time is over or the run is interrupted */
  readonly signal: AbortSignal;
  /** a topic that no other scenario and no other run uses */
  topic(name: string): string;
  /** Claims as data, under `<scenario id>/<check>`. @returns how it stands, for progress only */
  claim(check: string, requirement: string, level: 'MUST' | 'SHOULD', claim: Claim, options?: ClaimOptions): void;
  /** Waits for a condition and records how long that took; does not throw when it never holds: claim on the recorded line. */
  eventually<T>(what: string, condition: () => T | Promise<T>, within: number): Promise<Waited<Exclude<T, undefined | false>>>;
  /** The operation's output. When it was refused, that is claimed as a failure with this name and the scenario ends. */
  need<Output>(operation: Promise<Operation<Output>> | Operation<Output>, what: string): Promise<Output>;
}

export interface Phases<State> {
  /** what it returns is handed to the other phases */
  setup?(context: ScenarioContext): Promise<State>;
  drive(context: ScenarioContext, state: State): Promise<void>;
  /** runs beside `drive`, for what must hold all along; its signal is aborted once `drive` is over */
  anytime?(context: ScenarioContext, state: State): Promise<void>;
  /** faults are healed before it; let things settle */
  quiet?(context: ScenarioContext, state: State): Promise<void>;
  /** faults are healed before it; what must hold in the end, new progress above all */
  eventually?(context: ScenarioContext, state: State): Promise<void>;
  /** always runs once setup has: puts back what was changed */
  finally?(context: ScenarioContext, state: State): Promise<void>;
}

/** A scenario without its state's type, as the runner holds it. */
export interface Scenario {
  /** `suite/name` */
  readonly id: string;
  readonly title: string;
  /** ids of the requirements it exercises */
  readonly requirements: readonly string[];
  readonly needs: Needs;
  /** ms for all its phases; 60,000 when not given */
  readonly limit?: number;
  readonly phases: Phases<unknown>;
}

export interface Suite {
  readonly name: string;
  readonly title: string;
  readonly requirements: readonly Requirement[];
  readonly scenarios: readonly Scenario[];
}

const SCENARIO_ID = /^[a-z0-9-]+\/[a-z0-9-]+$/;

/** Declares a scenario; the state that `setup` returns is typed in the other phases. */
export function scenario<State = void>(declaration: Omit<Scenario, 'phases'> & { readonly phases: Phases<State> }): Scenario {
  if (!SCENARIO_ID.test(declaration.id)) throw new RangeError(`a scenario's id reads suite/name, not ${declaration.id}`);
  return declaration as Scenario;
}

/** Declares a suite. @throws when a scenario is named for another suite, twice, or exercises what is not required here, or is excluded */
export function suite(declaration: Suite): Suite {
  const required = new Set(declaration.requirements.map(({ id }) => id));
  const seen = new Set<string>();
  for (const { id, requirements } of declaration.scenarios) {
    if (!id.startsWith(`${declaration.name}/`)) throw new RangeError(`${id} is no scenario of ${declaration.name}`);
    if (seen.has(id)) throw new RangeError(`${id} is declared twice`);
    seen.add(id);
    for (const one of requirements)
      if (!required.has(one)) throw new RangeError(`${id} exercises ${one}, which ${declaration.name} does not require`);
  }
  const exercised = new Set(declaration.scenarios.flatMap(({ requirements }) => requirements));
  for (const { id, excluded } of declaration.requirements)
    if (exercised.has(id) && excluded !== undefined) throw new RangeError(`${id} is exercised, though it says why it is not: ${excluded}`);
  return declaration;
}
