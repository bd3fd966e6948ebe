/** Builders for claims, so that a scenario reads `claims.status(op, 201)`. */
import {
  type Claim,
  type Moment,
  type Observations,
  type OperationLike,
  operationId,
  type Operations,
  type Reference,
  type ReferenceLike,
  toReference,
} from './claim.ts';
import type { Json, JsonPointer } from './json.ts';
import type { Receivers } from './predicates/book.ts';
import type { RegisterConverged, SetConverged } from './predicates/convergence.ts';
import type { Term } from './predicates/counters.ts';
import type { ResourceEnvelope } from './predicates/envelope.ts';
import type { NotRunReason } from './predicates/lifecycle.ts';
import type { Action } from './predicates/linearizable.ts';
import type { PresenceTrue } from './predicates/presence.ts';
import type { RostersAgree } from './predicates/rosters.ts';
import type { SucceedsAtRate } from './predicates/sequential.ts';

export type { Action, NotRunReason, PresenceTrue, Receivers, RegisterConverged, ResourceEnvelope, RostersAgree, SetConverged, SucceedsAtRate, Term };
export type Encoding = 'base64' | 'hex' | 'utf8';

/** Sends, told apart by the value at `key`. See `delivered-exactly-once`. */
export interface SendsClaim {
  readonly sends: Operations;
  /** into the operation */
  readonly key: JsonPointer;
  readonly receivers: Receivers;
  /** true: the same key sent again by the same process is a retry of one message */
  readonly retries?: boolean;
}

export interface DeliveryClaim extends SendsClaim {
  readonly receipts: Observations;
  /** into the observation's `data` */
  readonly receiptKey: JsonPointer;
  /** where the receipt names the sender, by node name or agent id */
  readonly receiptSender?: JsonPointer;
}

export interface EntriesClaim {
  readonly observe: Observations;
  /** into the observation's `data` */
  readonly key: JsonPointer;
}

/** Drops absent options, so that the claim is the same before and after it was written as JSON. */
function claim(predicate: string, params: object): Claim {
  return { predicate, params: JSON.parse(JSON.stringify(params)) as Record<string, Json> };
}

function pair(predicate: string, left: ReferenceLike, right: ReferenceLike): Claim {
  return claim(predicate, { left: toReference(left), right: toReference(right) });
}

function sourceOf({ source, flags }: RegExp): string {
  if (flags.replace('u', '') !== '') throw new RangeError(`a claim's pattern has no flag but u: /${source}/${flags}`);
  return source;
}

export const claims = {
  /** HTTP status (or exit code on the CLI) is one of these. */
  status: (op: OperationLike, ...allowed: number[]) => claim('status', { op: operationId(op), allowed }),
  outcome: (op: OperationLike, outcome: 'ok' | 'fail' | 'info') => claim('outcome', { op: operationId(op), outcome }),
  equals: (left: ReferenceLike, right: ReferenceLike) => pair('equals', left, right),
  differs: (left: ReferenceLike, right: ReferenceLike) => pair('differs', left, right),
  bytesEqual: (left: ReferenceLike, leftAs: Encoding, right: ReferenceLike, rightAs: Encoding = leftAs) =>
    claim('bytes-equal', { left: toReference(left), leftAs, right: toReference(right), rightAs }),
  /** `pattern`: Unicode regular expression; see `boundedPattern` for what is refused. */
  matches: (value: ReferenceLike, pattern: string | RegExp) =>
    claim('matches', { value: toReference(value), pattern: typeof pattern === 'string' ? pattern : sourceOf(pattern) }),
  oneOf: (value: ReferenceLike, options: readonly Json[]) => claim('one-of', { value: toReference(value), options }),
  /** A text holds a part, a list an equal item; with `where`, an item whose value there equals it. */
  includes: (value: ReferenceLike, item: ReferenceLike, where?: JsonPointer) =>
    claim('includes', { value: toReference(value), item: toReference(item), where }),
  excludes: (value: ReferenceLike, item: ReferenceLike, where?: JsonPointer) =>
    claim('excludes', { value: toReference(value), item: toReference(item), where }),
  exists: (value: Reference) => claim('exists', { value }),
  absent: (value: Reference) => claim('absent', { value }),
  atMost: (value: ReferenceLike, limit: number, unit?: string) => claim('at-most', { value: toReference(value), limit, unit }),
  atLeast: (value: ReferenceLike, limit: number, unit?: string) => claim('at-least', { value: toReference(value), limit, unit }),
  /** `limit` in ms of the journal's clock */
  elapsedAtMost: (from: Moment, to: Moment, limit: number) => claim('elapsed-at-most', { from, to, limit }),
  occurs: (observe: Observations, times: { readonly atLeast?: number; readonly atMost?: number } = {}) => claim('occurs', { observe, ...times }),
  never: (observe: Observations) => claim('never', { observe }),
  /** All values are equal. */
  converged: (...values: Reference[]) => claim('converged', { values }),
  /** The last matching observation of every node holds the same value at `at`. */
  nodesConverged: (nodes: readonly string[], observe: Observations, at: JsonPointer) => claim('converged', { nodes, observe, at }),
  /** Every accepted message reaches each receiver once, and no other arrives. */
  deliveredExactlyOnce: (params: DeliveryClaim) => claim('delivered-exactly-once', params),
  /** The same, but copies may be missing: no duplicate, no forgery, no leak. */
  deliveredAtMostOnce: (params: DeliveryClaim) => claim('delivered-at-most-once', params),
  /** No node sees a message before another that its sender had accepted earlier. */
  deliveredInOrder: (params: DeliveryClaim) => claim('delivered-in-order', params),
  /** For every message and receiver: published = delivered + refused + expired + in flight. */
  balanced: (
    params: SendsClaim & {
      readonly delivered: EntriesClaim;
      readonly refused?: EntriesClaim;
      readonly expired?: EntriesClaim;
      readonly inFlight?: EntriesClaim;
    },
  ) => claim('balanced', params),
  /** After a heal: every node shows the same set, with every acknowledged add and without what was removed. */
  setConverged: (params: SetConverged) => claim('set-converged', params),
  /** After a heal: every node shows the same value of each key, one that no acknowledged write has replaced. */
  registerConverged: (params: RegisterConverged) => claim('register-converged', params),
  /** Whoever shows an epoch of a group shows the same members; nobody goes back. */
  rostersAgree: (params: RostersAgree) => claim('rosters-agree', params),
  /** Nobody is shown as there who has long been gone, nor as gone who has long been there. */
  presenceTrue: (params: PresenceTrue) => claim('presence-true', params),
  /** One order of the operations explains all their answers. A search that is given up is inconclusive. */
  linearizable: (actions: readonly Action[], steps?: number) => claim('linearizable', { actions, steps }),
  /** What nodes use stays under `most`, and its growth, interval and all, under `perHour`. */
  resourceEnvelope: (params: ResourceEnvelope) => claim('resource-envelope', params),
  /** Wald's sequential test of a rate of success; inconclusive says how many more trials it needs. */
  succeedsAtRate: (params: SucceedsAtRate) => claim('succeeds-at-rate', params),
  /** The sums of both sides agree. */
  countersAgree: (left: readonly Term[], right: readonly Term[]) => claim('counters-agree', { left, right }),
  /** Read before the fault was applied, read again after it healed: equal. */
  stateSurvives: (fault: string, ...values: { readonly before: Reference; readonly after: Reference }[]) =>
    claim('state-survives', { fault, values }),
  /** A part of the run (`boot`, or a suite's name) took at most `limit` ms. */
  withinBudget: (part: string, limit: number) => claim('within-budget', { part, limit }),
  /** The same came of a capability on two surfaces; `volatile`: dotted output fields that may differ. */
  sameAnswer: (left: OperationLike, right: OperationLike, volatile: readonly string[] = []) =>
    claim('same-answer', { left: operationId(left), right: operationId(right), volatile }),
  /** Each capability was done on its surface at least once. */
  answered: (operations: readonly { readonly op: string; readonly surface: string }[]) => claim('answered', { operations }),
  /** What became of a scenario: exactly one of these three per scenario. */
  completed: (scenario: string) => claim('completed', { scenario }),
  skipped: (capability: string) => claim('skipped', { capability }),
  notRun: (reason: NotRunReason) => claim('not-run', { reason }),
} as const;
