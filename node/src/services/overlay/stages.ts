/** What the overlay did with what arrived, kind by kind and stage by stage. Read by diagnostics; two clock reads a stage. */
import type { OverlayControl } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';

const MESSAGE_KINDS = ['eager', 'ihave', 'iwant', 'graft', 'prune', 'anti_entropy', 'other', 'decode_failed'] as const;
type MessageKind = (typeof MESSAGE_KINDS)[number];

/** `decode`: form and time of an envelope. `dedupe_check`: a known id or not. `eager_fanout`: our own to peers. `republish`: somebody else's. */
const TIMED_STAGES = ['decode', 'verify', 'dedupe_check', 'eager_fanout', 'republish'] as const;
type TimedStage = (typeof TIMED_STAGES)[number];

export interface Timing {
  count: number;
  /** ms */
  elapsed: number;
  maxElapsed: number;
}

export class Stages {
  readonly #clock: Clock;
  readonly kinds = Object.fromEntries(MESSAGE_KINDS.map((kind) => [kind, 0])) as Record<MessageKind, number>;
  readonly timings = Object.fromEntries(TIMED_STAGES.map((stage) => [stage, { count: 0, elapsed: 0, maxElapsed: 0 }])) as Record<TimedStage, Timing>;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count(kind: MessageKind): void {
    this.kinds[kind]++;
  }

  /** Of a control message: GRAFT, PRUNE and what is asked after a time away are told apart, item by item. */
  countControl(control: OverlayControl): void {
    if (control.kind === 'gone') return this.count('anti_entropy');
    if (control.kind !== 'topics') return this.count('other');
    for (const item of control.items) {
      if (item.kind === 'graft' || item.kind === 'prune') this.count(item.kind);
      else this.count(item.kind === 'join' && item.away > 0 ? 'anti_entropy' : 'other');
    }
  }

  /** ms, to be given to `took` */
  begin(): number {
    return this.#clock.monotonic();
  }

  took(stage: TimedStage, since: number): void {
    const timing = this.timings[stage];
    const elapsed = this.#clock.monotonic() - since;
    timing.count++;
    timing.elapsed += elapsed;
    if (elapsed > timing.maxElapsed) timing.maxElapsed = elapsed;
  }
}
