/** From a run that fails to the smallest that still does: nodes, then faults, then operations, then timing. */
import { type DrawnSchedule, leastSufferers, operationsOf, withNodes } from '../faults/schedule.ts';
import { fewest, least } from './fewest.ts';

/** A run as far as it can be made smaller. */
export interface ShrinkablePlan {
  /** numbers given to the run: nodes, messages, kills, duration */
  readonly settings: Readonly<Record<string, number>>;
  readonly schedule?: DrawnSchedule | undefined;
}

const SHRUNK = ['nodes', 'faults', 'operations', 'timing'] as const;
export type Shrunk = (typeof SHRUNK)[number];

export interface Reduction {
  readonly what: Shrunk;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** candidates tried */
  readonly tried: number;
}

export interface ShrinkOptions {
  readonly plan: ShrinkablePlan;
  /** Does it still fail, as often as asked? */
  readonly fails: (plan: ShrinkablePlan) => Promise<boolean>;
  /** true: no further candidate is tried */
  readonly spent: () => boolean;
  /** ms that the load of the failing run went on, for one that is given by rule */
  readonly lasted?: number;
  readonly observer?: (what: Shrunk, plan: ShrinkablePlan) => void;
}

export interface ShrinkResult {
  readonly plan: ShrinkablePlan;
  readonly cuts: readonly Reduction[];
  /** false: the budget ended it, and there may be smaller ones */
  readonly complete: boolean;
}

/** what numbers in place of a schedule stand for, and the smallest that says anything */
const NUMBERS: Readonly<Record<string, readonly [what: Shrunk, least: number]>> = {
  nodes: ['nodes', 2],
  kills: ['faults', 1],
  messages: ['operations', 1],
  duration: ['timing', 1],
};
const SHORTEST_MS = 100;
/** Rounds through nodes, faults and operations end by themselves: each makes something smaller. */
const MOST_ROUNDS = 10;

export async function shrink({ plan: whole, fails, spent, lasted = 0, observer = () => undefined }: ShrinkOptions): Promise<ShrinkResult> {
  let plan = whole;
  const tried = new Map<Shrunk, number>();
  const before = sizesOf(withOperations(whole, lasted));
  const attempt = async (what: Shrunk, candidate: ShrinkablePlan): Promise<boolean> => {
    if (spent()) return false;
    tried.set(what, (tried.get(what) ?? 0) + 1);
    if (!(await fails(candidate))) return false;
    plan = candidate;
    observer(what, candidate);
    return true;
  };
  if (whole.schedule) {
    // Operations can only be left out one by one where they are written one by one.
    if (whole.schedule.load) await attempt('operations', withOperations(whole, lasted));
    for (let round = 0, size = ''; round < MOST_ROUNDS && size !== sizeText(plan); round++) {
      size = sizeText(plan);
      await fewerParts(() => plan, attempt);
    }
    await shorter(() => plan, attempt);
  } else {
    for (const [name, [what, smallest]] of Object.entries(NUMBERS)) {
      const given = plan.settings[name];
      if (given === undefined || given <= smallest) continue;
      await least(smallest, given, (value) => attempt(what, { ...plan, settings: { ...plan.settings, [name]: value } }));
    }
  }
  const after = sizesOf(plan);
  const cuts = SHRUNK.flatMap((what): Reduction[] => {
    const [then, now] = [before[what], after[what]];
    return then === undefined || now === undefined
      ? []
      : [{ what, unit: then.unit, before: then.size, after: now.size, tried: tried.get(what) ?? 0 }];
  });
  return { plan, cuts, complete: !spent() };
}

type Attempt = (what: Shrunk, candidate: ShrinkablePlan) => Promise<boolean>;

async function fewerParts(current: () => ShrinkablePlan, attempt: Attempt): Promise<void> {
  const schedule = (): DrawnSchedule => current().schedule!;
  const tryWith = (what: Shrunk, change: DrawnSchedule): Promise<boolean> => attempt(what, { ...current(), schedule: change });
  const wholeOf = schedule();
  await fewest(wholeOf.nodes, async (kept) => kept.length > 0 && (await tryWith('nodes', withNodes(wholeOf, kept))));
  const faulty = schedule();
  await fewest(faulty.faults, (faults) => tryWith('faults', { ...faulty, faults }));
  for (const [index, fault] of schedule().faults.entries()) {
    const { kind, on } = fault;
    const withOn = (fewer: readonly string[]) => ({ ...schedule(), faults: schedule().faults.with(index, { ...fault, on: fewer }) });
    await fewest(on, async (fewer) => fewer.length >= leastSufferers(kind) && (await tryWith('faults', withOn(fewer))));
  }
  const loaded = schedule();
  if (loaded.operations) await fewest(loaded.operations, (operations) => tryWith('operations', { ...loaded, operations }));
}

/** Faults that last half as long, then the same things twice as soon after one another, for as long as it fails. */
async function shorter(current: () => ShrinkablePlan, attempt: Attempt): Promise<void> {
  const tryWith = (change: (schedule: DrawnSchedule) => DrawnSchedule): Promise<boolean> =>
    attempt('timing', { ...current(), schedule: change(current().schedule!) });
  const first = Math.min(...momentsOf(current().schedule!));
  if (first > 0 && Number.isFinite(first)) await tryWith((schedule) => atMoments(schedule, (at) => at - first));
  for (const index of current().schedule!.faults.keys()) {
    while (current().schedule!.faults[index]!.for_ms > SHORTEST_MS) {
      const half = (schedule: DrawnSchedule) => {
        const fault = schedule.faults[index]!;
        return { ...schedule, faults: schedule.faults.with(index, { ...fault, for_ms: Math.max(SHORTEST_MS, Math.floor(fault.for_ms / 2)) }) };
      };
      if (!(await tryWith(half))) break;
    }
  }
  while (Math.max(0, ...momentsOf(current().schedule!)) > SHORTEST_MS) {
    if (!(await tryWith((schedule) => atMoments(schedule, (at) => Math.floor(at / 2))))) break;
  }
}

function momentsOf({ faults, operations = [] }: DrawnSchedule): number[] {
  return [...faults, ...operations].map(({ at_ms: at }) => at);
}

function atMoments(schedule: DrawnSchedule, change: (at: number) => number): DrawnSchedule {
  const { faults, operations } = schedule;
  const moved = <T extends { readonly at_ms: number }>(one: T): T => ({ ...one, at_ms: change(one.at_ms) });
  return { ...schedule, faults: faults.map(moved), ...(operations && { operations: operations.map(moved) }) };
}

function withOperations(plan: ShrinkablePlan, lasted: number): ShrinkablePlan {
  if (!plan.schedule?.load) return plan;
  const { load: _, ...rest } = plan.schedule;
  return { ...plan, schedule: { ...rest, operations: operationsOf(plan.schedule, lasted) } };
}

function sizesOf({ settings, schedule }: ShrinkablePlan): Partial<Record<Shrunk, { readonly size: number; readonly unit: string }>> {
  if (!schedule) {
    const given = Object.entries(NUMBERS).filter(([name]) => settings[name] !== undefined);
    return Object.fromEntries(given.map(([name, [what]]) => [what, { size: settings[name]!, unit: name === 'duration' ? 's' : name }]));
  }
  const { nodes, faults, operations } = schedule;
  const end = Math.max(0, ...momentsOf(schedule), ...faults.map(({ at_ms: at, for_ms: long }) => at + long));
  return {
    nodes: { size: nodes.length, unit: 'nodes' },
    faults: { size: faults.length, unit: 'faults' },
    ...(operations && { operations: { size: operations.length, unit: 'operations' } }),
    timing: { size: end, unit: 'ms' },
  };
}

/** grows with the plan, but for its timing */
function sizeText({ schedule }: ShrinkablePlan): string {
  const sufferers = schedule?.faults.map(({ on }) => on.length);
  return JSON.stringify([schedule?.nodes.length, sufferers, schedule?.operations?.length]);
}
