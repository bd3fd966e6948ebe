/** What goes wrong and what is said in a run, and when: data that a seed makes, somebody writes, or a failing run leaves. */
import { z } from 'zod';
import { seededRandom, type SeededRandom } from '../runner/random.ts';
import { leastNodes, PARTITION_SHAPES, type PartitionShape, select } from './cuts.ts';
import type { LinkConditions } from './link-shaper.ts';

const NODE_FAULTS = ['kill', 'restart', 'pause', 'power-loss', 'clock-skew', 'clock-drift', 'disk-full', 'disk-slow'] as const;
const FAULT_KINDS = [...PARTITION_SHAPES.map((shape) => `partition-${shape}` as const), 'bad-paths', 'half-open', 'cut-message', ...NODE_FAULTS] as const; // prettier-ignore
export type NodeFault = (typeof NODE_FAULTS)[number];
export type FaultKind = (typeof FAULT_KINDS)[number];

/** a week */
const LATEST_MS = 7 * 24 * 3_600_000;
const MOST_NODES = 100;
const ms = z.number().min(0).max(LATEST_MS);
const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/u, 'a node is named by lower-case letters, digits and dashes');
const share = z.enum(['one', 'minority', 'majority', 'all']);
const names = z.array(name).min(1).readonly();

/** a clock is read in seconds: what is off by less may be right */
const LEAST_SKEW_MS = 4_000;
const MOST_PPM = 1_000_000;

/** ms one way: pings of links are given up before they come back through that */
const MOST_DELAY_MS = 8_000;
const MOST_LOSS = 0.9;
const LEAST_RATE = 1_000;
const MOST_RATE = 1_000_000_000;
const delay = z.number().min(0).max(MOST_DELAY_MS);
const shareOfSegments = z.number().min(0).max(1);

/** How bad paths are: see `LinkConditions`. What is not said is as in any storm. */
const quality = z.strictObject({
  delay_ms: delay.optional(),
  jitter_ms: delay.optional(),
  loss: z.number().min(0).max(MOST_LOSS).optional(),
  reordering: shareOfSegments.optional(),
  duplication: shareOfSegments.optional(),
  bytes_per_second: z.number().min(LEAST_RATE).max(MOST_RATE).optional(),
});

const STANDARD_QUALITY = { delay_ms: 40, jitter_ms: 60, loss: 0.02 };

const scheduledFault = z.strictObject({
  /** ms after the load began; at the earliest */
  at_ms: ms,
  for_ms: ms,
  kind: z.enum(FAULT_KINDS),
  /** who suffers; of a partition its parts in order, of a broken link its two ends, the silent one first. Default: one, or all where paths suffer */
  on: z.union([share, names, z.strictObject({ role: z.string().min(1), select: share.default('all') })]).optional(),
  /** how far a clock is set forward, or back; how long a slow disk takes for a sync */
  by_ms: z.number().min(-LATEST_MS).max(LATEST_MS).optional(),
  /** how much too fast a clock runs, or too slowly: parts per million */
  by_ppm: z.number().min(-MOST_PPM).max(MOST_PPM).optional(),
  /** of the paths, where they become bad */
  quality: quality.optional(),
});

const scheduledOperation = z.discriminatedUnion('do', [
  z.strictObject({ at_ms: ms, do: z.literal('publish'), node: name }),
  z.strictObject({ at_ms: ms, do: z.literal('send'), node: name, to: name }),
]);

const load = z.strictObject({
  /** ms between two operations of each node; 0: none */
  publish_every_ms: ms,
  send_every_ms: ms,
  /** default: as long as there are faults */
  until_ms: ms.optional(),
});

const schedule = z.strictObject({
  nodes: z.array(name).min(1).max(MOST_NODES).readonly(),
  roles: z.record(z.string().min(1), names).optional(),
  faults: z.array(scheduledFault).readonly(),
  /** one by one */
  operations: z.array(scheduledOperation).readonly().optional(),
  /** by rule */
  load: load.optional(),
});

type ScheduledFault = z.infer<typeof scheduledFault>;
export type ScheduledOperation = z.infer<typeof scheduledOperation>;
export type Schedule = z.infer<typeof schedule>;

/** The schedule that the data is. @throws RangeError with the first thing that is wrong */
export function readSchedule(data: unknown): Schedule {
  const { data: read, error } = schedule.safeParse(data);
  if (error) {
    const [issue] = error.issues;
    throw new RangeError(`no schedule: ${issue!.path.length === 0 ? '' : `${issue!.path.join('/')}: `}${issue!.message}`);
  }
  const known = new Set(read.nodes);
  if (known.size < read.nodes.length) throw new RangeError('no schedule: a node is named twice');
  const mentioned = [
    ...Object.values(read.roles ?? {}).flat(),
    ...read.faults.flatMap(({ on }) => (typeof on === 'object' && !('role' in on) ? on : [])),
    ...(read.operations ?? []).flatMap((operation) => (operation.do === 'send' ? [operation.node, operation.to] : [operation.node])),
  ];
  const stranger = mentioned.find((one) => !known.has(one));
  if (stranger !== undefined) throw new RangeError(`no schedule: there is no node ${stranger} in it`);
  for (const [index, { on, ...fault }] of read.faults.entries()) {
    const wrong = amountProblem(fault) ?? qualityProblem(fault, `faults/${index}/quality`);
    if (wrong !== undefined) throw new RangeError(`no schedule: ${wrong}`);
    if (typeof on === 'object' && 'role' in on && !read.roles?.[on.role]) throw new RangeError(`no schedule: there is no role ${on.role} in it`);
  }
  // How many suffer is no matter of chance.
  drawn(read, seededRandom('', 'schedule'));
  return read;
}

/** What is wrong with how much a fault is to do. */
function amountProblem({ kind, by_ms: ms, by_ppm: ppm }: Pick<ScheduledFault, 'kind' | 'by_ms' | 'by_ppm'>): string | undefined {
  if (ms !== undefined && kind !== 'clock-skew' && kind !== 'disk-slow') return `by_ms is for clock-skew and disk-slow, not for ${kind}`;
  if (ppm !== undefined && kind !== 'clock-drift') return `by_ppm is for clock-drift, not for ${kind}`;
  if (kind === 'clock-skew' && ms !== undefined && Math.abs(ms) < LEAST_SKEW_MS)
    return `a clock that is off by less than ${LEAST_SKEW_MS} ms cannot be told from one that is right`;
  if (kind === 'disk-slow' && ms !== undefined && ms < 1) return 'a sync of a slow disk takes 1 ms or more';
  return undefined;
}

/** What no path does that is so bad, and what would show in nothing. */
function qualityProblem({ kind, quality: said }: Pick<ScheduledFault, 'kind' | 'quality'>, place: string): string | undefined {
  if (!said) return undefined;
  if (kind !== 'bad-paths') return `${place} is for bad-paths, not for ${kind}`;
  const { delayMs = 0, jitterMs = 0, loss = 0, reordering = 0, duplication = 0, bytesPerSecond = Infinity } = linkConditions(said);
  const late = delayMs + jitterMs > 0;
  if (reordering > 0 && !late) return `${place}/reordering: what takes no time is not overtaken; give delay_ms or jitter_ms`;
  if (duplication > 0 && bytesPerSecond === Infinity)
    return `${place}/duplication: what comes twice only takes up the path, which shows where it has a limit; give bytes_per_second`;
  if (!late && loss === 0 && bytesPerSecond === Infinity)
    return `${place}: a path is not bad that neither delays nor loses anything and has no limit`;
  return undefined;
}

/** What the lab does to bad paths of this quality. */
export function linkConditions(said: z.infer<typeof quality> = {}): LinkConditions {
  const { delay_ms: delayMs, jitter_ms: jitterMs, bytes_per_second: bytesPerSecond, ...shares } = { ...STANDARD_QUALITY, ...said };
  return { delayMs, jitterMs, ...shares, ...(bytesPerSecond !== undefined && { bytesPerSecond }) };
}

/** a fault whose sufferers are drawn, in the order in which they were */
export type DrawnFault = Omit<ScheduledFault, 'on'> & { readonly on: readonly string[] };
export interface DrawnSchedule extends Omit<Schedule, 'faults'> {
  readonly faults: readonly DrawnFault[];
}

/** Who suffers is drawn by chance, so that nothing is left to it any more. @throws RangeError for a fault that takes more sufferers */
export function drawn(read: Schedule, random: SeededRandom): DrawnSchedule {
  const meant = ({ kind, on = isOfNode(kind) ? 'one' : 'all' }: ScheduledFault): readonly string[] => {
    if (typeof on === 'string') return drawnFor(kind, on, read.nodes, random);
    return 'role' in on ? drawnFor(kind, on.select, read.roles![on.role]!, random) : on;
  };
  const sufferers = (fault: ScheduledFault): readonly string[] => {
    const on = meant(fault);
    const least = leastSufferers(fault.kind);
    if (new Set(on).size < least) throw new RangeError(`no schedule: ${fault.kind} takes ${least} nodes, not ${on.join(', ')}`);
    return on;
  };
  const faults = read.faults.map((fault) => ({ ...fault, on: sufferers(fault) })).toSorted((a, b) => a.at_ms - b.at_ms);
  return { ...read, faults };
}

function drawnFor(kind: FaultKind, selector: z.infer<typeof share>, from: readonly string[], random: SeededRandom): string[] {
  const all = select(selector, from, random);
  return kind === 'half-open' || kind === 'cut-message' ? all.slice(0, 2) : all;
}

export function isOfNode(kind: FaultKind): kind is NodeFault {
  return (NODE_FAULTS as readonly FaultKind[]).includes(kind);
}

export function shapeOf(kind: FaultKind): PartitionShape | undefined {
  return PARTITION_SHAPES.find((shape) => kind === `partition-${shape}`);
}

/** The operations one by one, in their order. `until`: ms for a rule that does not say so itself */
export function operationsOf(
  { nodes, operations = [], load: rule }: Pick<Schedule, 'nodes' | 'operations' | 'load'>,
  until: number,
): ScheduledOperation[] {
  const end = rule?.until_ms ?? until;
  const every = (ms: number): number[] => (ms > 0 ? Array.from({ length: Math.ceil(end / ms) }, (_, n) => n * ms) : []);
  const ruled = (rule ? nodes : []).flatMap((node): ScheduledOperation[] => {
    const others = nodes.filter((other) => other !== node);
    return [
      ...every(rule!.publish_every_ms).map((at) => ({ at_ms: at, do: 'publish' as const, node })),
      ...(others.length === 0 ? [] : every(rule!.send_every_ms)).map((at, n) => ({
        at_ms: at,
        do: 'send' as const,
        node,
        to: others[n % others.length]!,
      })),
    ];
  });
  return [...operations, ...ruled].toSorted((a, b) => a.at_ms - b.at_ms);
}

/** What is left with these nodes only. */
export function withNodes(schedule: DrawnSchedule, kept: readonly string[]): DrawnSchedule {
  const has = (one: string): boolean => kept.includes(one);
  const { roles, operations } = schedule;
  return {
    ...schedule,
    nodes: schedule.nodes.filter(has),
    ...(roles && { roles: Object.fromEntries(Object.entries(roles).flatMap(([role, of]) => (of.some(has) ? [[role, of.filter(has)]] : []))) }),
    ...(operations && { operations: operations.filter((one) => has(one.node) && (one.do !== 'send' || has(one.to))) }),
    faults: schedule.faults.map((fault) => ({ ...fault, on: fault.on.filter(has) })).filter(({ kind, on }) => on.length >= leastSufferers(kind)),
  };
}

export function leastSufferers(kind: FaultKind): number {
  const shape = shapeOf(kind);
  if (shape) return leastNodes(shape);
  return kind === 'half-open' || kind === 'cut-message' ? 2 : 1;
}
