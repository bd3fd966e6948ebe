/**
 * The journal: one append-only JSON-Lines file per run, one line per thing that happened, in one clock order.
 * `seq` counts from 1 without gaps. `t` is milliseconds since the run began, monotonic (virtual in simulation).
 * Each line is exactly what `JSON.stringify` makes of it, so that no two readers can see different things.
 */
import { z } from 'zod';
import { claimSchema } from './claim.ts';
import type { Json } from './json.ts';

const json = z.custom<Json>((value) => value !== undefined);
const stamp = { seq: z.int().min(1), t: z.number().min(0) };
const line = <const T extends string, S extends z.ZodRawShape>(type: T, shape: S) => z.strictObject({ ...stamp, type: z.literal(type), ...shape });

export const blames = ['target', 'lab', 'harness', 'spec'] as const;
/** Who is responsible for anything that is not a pass. */
export type Blame = (typeof blames)[number];

export const replayLevels = ['L0', 'L1', 'L2', 'L3', 'L4'] as const;
export const surfaces = ['rest', 'cli', 'client', 'sse', 'ws'] as const;
export type Surface = (typeof surfaces)[number];
export const faultStages = ['requested', 'applied', 'bit', 'healed', 'heal_seen'] as const;
export type FaultStage = (typeof faultStages)[number];
export const phaseNames = ['setup', 'drive', 'anytime', 'quiet', 'eventually', 'finally'] as const;
export type PhaseName = (typeof phaseNames)[number];

/** First line of every journal. */
export const runStarted = line('run', {
  stage: z.literal('started'),
  runId: z.string().min(1),
  /** wall clock, ISO 8601 UTC; the only wall-clock reading that evidence needs */
  startedAt: z.iso.datetime(),
  tool: z.strictObject({ name: z.string(), version: z.string() }),
  seed: z.string(),
  /** the command that does it again */
  reproduce: z.string(),
  replay: z.strictObject({ level: z.enum(replayLevels), note: z.string() }),
  inputs: z.record(z.string(), json),
  /** selections that keep scenarios from running, in words: `--suite smoke` */
  filters: z.array(z.string()),
  /** checks known to fail, by id; one that passes is `stale-expected` */
  expectedFailures: z.array(z.strictObject({ check: z.string(), reason: z.string() })),
  versions: z.record(z.string(), z.string()),
});

/** Last line of every complete journal; without it the run was cut short. */
export const runFinished = line('run', { stage: z.literal('finished'), outcome: z.enum(['complete', 'interrupted']) });

export const worldNode = z.strictObject({
  /** unique in its world; where worlds share a name, the range of a check keeps them apart */
  name: z.string().min(1),
  /** 64 hex characters: SHA-256 of the agent's public key */
  agentId: z.string().optional(),
  machineId: z.string().optional(),
  implementation: z.string().optional(),
  version: z.string().optional(),
});
export type WorldNode = z.infer<typeof worldNode>;

export const world = line('world', {
  /** unique in the run */
  world: z.string().min(1),
  nodes: z.array(worldNode),
  links: z.array(json),
  /** capability names the target declares */
  capabilities: z.array(z.string()),
  /** what the lab can do to it: `kill`, `pause`, `restart`, `half-open` … */
  powers: z.array(z.string()),
  surfaces: z.array(z.string()),
});

/** What the lab measured about itself before anything else; outside `within` (null: unbounded) it cannot judge by it. */
export const calibration = line('calibration', {
  name: z.string().min(1),
  /** what the lab set out to make, where it makes something: a delay, a rate */
  wanted: z.number().optional(),
  measured: z.number(),
  unit: z.string(),
  within: z.tuple([z.number().nullable(), z.number().nullable()]),
});

/** One operation by one process (a node's name) on one surface begins. `op` is a capability name. */
export const invoke = line('invoke', {
  id: z.string().min(1),
  process: z.string(),
  surface: z.enum(surfaces),
  op: z.string(),
  input: json,
});

/** `status`: HTTP status, or the exit code on the CLI. */
const completion = { id: z.string().min(1), status: z.int().optional(), output: json.optional(), error: json.optional() };
export const ok = line('ok', completion);
/** It certainly did not happen. */
export const fail = line('fail', completion);
/** Unknown; it may still happen (time-outs, cut connections). */
export const info = line('info', completion);

/** Something a node said on its own: a delivered message, an event, a counter snapshot. */
export const observe = line('observe', { node: z.string(), stream: z.string(), event: z.string(), data: json });

export const fault = line('fault', {
  id: z.string().min(1),
  kind: z.string(),
  node: z.string(),
  stage: z.enum(faultStages),
  /** what was seen that shows the stage was reached */
  evidence: json.optional(),
});

/** A scenario's phase. `crash` and `timeout` end the scenario; `node` is the daemon that had died of itself, if one had. */
export const phase = line('phase', {
  scenario: z.string().min(1),
  phase: z.enum(phaseNames),
  event: z.enum(['begin', 'end', 'crash', 'timeout']),
  message: z.string().optional(),
  node: z.string().optional(),
});

export const check = line('check', {
  /** `suite/clause/n`, addressable; the same id again is a further attempt */
  id: z.string().regex(/^[^\s/]+(\/[^\s/]+)+$/, 'a check id reads suite/clause/n'),
  requirement: z.string().min(1),
  level: z.enum(['MUST', 'SHOULD']),
  title: z.string().optional(),
  claim: claimSchema,
  /** first and last `seq` it reads, both before the check's own line */
  range: z.tuple([z.int().min(1), z.int().min(1)]),
  /** what must have occurred for the claim to mean anything; else `unverified` */
  premise: claimSchema.optional(),
  /** ids of faults that must have been observed to bite; else `inconclusive` */
  needsFaults: z.array(z.string()).optional(),
  /** names of calibrations that must be within tolerance; else `inconclusive` */
  needsCalibrations: z.array(z.string()).optional(),
  /** who is responsible when the claim does not hold; `target` unless said */
  blame: z.enum(blames).optional(),
  /** for live progress only: nothing reads it when judging */
  status: z.string().optional(),
});

export const journalLine = z.union([
  z.discriminatedUnion('type', [world, calibration, invoke, ok, fail, info, observe, fault, check, phase]),
  z.discriminatedUnion('stage', [runStarted, runFinished]),
]);

export type RunStarted = z.infer<typeof runStarted>;
export type WorldLine = z.infer<typeof world>;
export type CalibrationLine = z.infer<typeof calibration>;
export type InvokeLine = z.infer<typeof invoke>;
export type CompletionLine = z.infer<typeof ok> | z.infer<typeof fail> | z.infer<typeof info>;
export type ObserveLine = z.infer<typeof observe>;
export type FaultLine = z.infer<typeof fault>;
export type PhaseLine = z.infer<typeof phase>;
export type CheckLine = z.infer<typeof check>;
export type JournalLine = z.infer<typeof journalLine>;
export type LineType = JournalLine['type'];

type WithoutStamp<L> = L extends unknown ? Omit<L, 'seq' | 't'> : never;
/** A line before the writer stamps it. */
export type JournalEntry = WithoutStamp<JournalLine>;
