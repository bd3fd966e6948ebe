/**
 * The lazy half of spreading a message: peers are told its id only, in batches, and ask for it when it did not reach them otherwise.
 * Bounded in messages, bytes and ids; what falls out of a bound is no longer passed on by this node.
 */
import { MAX_IDS } from '@muster/protocol';
import type { MachineId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import type { Link } from '../links/link.ts';

/** ids are told this often */
const TELL_EVERY_MS = 20;
/** how long the message itself may still be on its way before it is asked for, and asked for again elsewhere */
const PATIENCE_MS = 60;
const ASK_TIMES = 5;
const MAX_KEPT = 8_192;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
const MAX_AWAITED = 16_384;
const MAX_AWAITED_OF_LINK = 4_096;
const MAX_HOLDERS = 8;
const MAX_UNTOLD = 16_384;
/** a link is missed for up to 12 s before it counts as lost: what was sent on it since then may have gone nowhere */
const UNSURE_MS = 15_000;
/** machines whose lost links are remembered, and how long */
const MAX_LOST = 256;
const LOST_FOR_MS = 120_000;

interface Kept {
  readonly bytes: Uint8Array;
  readonly at: number;
}

interface Awaited {
  /** who has it, asked in turn; the first counts it among its own */
  readonly holders: Link[];
  due: number;
  asked: number;
}

export interface LazyRepairParts {
  readonly clock: Clock;
  readonly links: () => readonly Link[];
  /** it arrived, or is being looked at */
  readonly known: (id: string) => boolean;
  /** sends a whole message to one peer */
  readonly pass: (link: Link, bytes: Uint8Array) => void;
}

export class LazyRepair implements Disposable {
  readonly #parts: LazyRepairParts;
  readonly #kept = new Map<string, Kept>();
  readonly #untold = new Map<Link, string[]>();
  readonly #awaited = new Map<string, Awaited>();
  readonly #awaitedOf = new WeakMap<Link, number>();
  /** since when a machine that had a link may have missed something */
  readonly #lost = new Map<MachineId, { readonly since: number; readonly at: number }>();
  #keptBytes = 0;
  #timer: Disposable | undefined;
  #disposed = false;

  constructor(parts: LazyRepairParts) {
    this.#parts = parts;
  }

  /** Keeps a message for those who ask, and will tell everyone but `except` that we have it. */
  offer(id: string, bytes: Uint8Array, except: Link | undefined): void {
    this.#kept.set(id, { bytes, at: this.#parts.clock.monotonic() });
    this.#keptBytes += bytes.length;
    while (this.#kept.size > MAX_KEPT || this.#keptBytes > MAX_KEPT_BYTES) {
      const [oldest, gone] = this.#kept.entries().next().value!;
      this.#kept.delete(oldest);
      this.#keptBytes -= gone.bytes.length;
    }
    for (const link of this.#parts.links()) {
      if (link.machine === except?.machine) continue;
      const ids = this.#untold.get(link);
      if (!ids) this.#untold.set(link, [id]);
      else if (ids.length < MAX_UNTOLD) ids.push(id);
    }
    this.#schedule(TELL_EVERY_MS);
  }

  /** The peer says what it has; what is missing here will be asked for, unless it comes by itself. */
  told(link: Link, ids: readonly string[]): void {
    for (const id of ids) {
      if (this.#parts.known(id)) continue;
      const awaited = this.#awaited.get(id);
      if (!awaited) this.#await(id, link);
      else if (awaited.holders.length < MAX_HOLDERS && !awaited.holders.includes(link)) awaited.holders.push(link);
    }
    if (this.#awaited.size > 0) this.#schedule(PATIENCE_MS);
  }

  /** The peer asks. */
  wanted(link: Link, ids: readonly string[]): void {
    for (const id of ids) {
      const kept = this.#kept.get(id);
      if (kept) this.#parts.pass(link, kept.bytes);
    }
  }

  gone(link: Link): void {
    this.#untold.delete(link);
    // A process that ended has delivered what it had, and must not get it again in its next life.
    if (!link.interrupted) return void this.#lost.delete(link.machine);
    const now = this.#parts.clock.monotonic();
    const since = Math.min(now - UNSURE_MS, this.#lost.get(link.machine)?.since ?? now);
    this.#lost.delete(link.machine);
    this.#lost.set(link.machine, { since, at: now });
    if (this.#lost.size > MAX_LOST) this.#lost.delete(this.#lost.keys().next().value!);
    // Another link of that machine is up already.
    const other = this.#parts.links().find(({ machine }) => machine === link.machine);
    if (other) this.back(other);
  }

  /** A machine whose link was lost has one again: it is told what it may have missed. A new one is not told of the past. */
  back(link: Link): void {
    const lost = this.#lost.get(link.machine);
    this.#lost.delete(link.machine);
    if (!lost || link.afresh || lost.at + LOST_FOR_MS < this.#parts.clock.monotonic()) return;
    const missed = [...this.#kept].filter(([, { at }]) => at >= lost.since).map(([id]) => id);
    if (missed.length === 0) return;
    this.#untold.set(link, [...new Set([...missed, ...(this.#untold.get(link) ?? [])])].slice(-MAX_UNTOLD));
    this.#schedule(TELL_EVERY_MS);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
  }

  #await(id: string, link: Link): void {
    const own = this.#awaitedOf.get(link) ?? 0;
    if (this.#awaited.size >= MAX_AWAITED || own >= MAX_AWAITED_OF_LINK) return;
    this.#awaitedOf.set(link, own + 1);
    this.#awaited.set(id, { holders: [link], due: this.#parts.clock.monotonic() + PATIENCE_MS, asked: 0 });
  }

  #forget(id: string, { holders: [first] }: Awaited): void {
    this.#awaited.delete(id);
    this.#awaitedOf.set(first!, this.#awaitedOf.get(first!)! - 1);
  }

  #schedule(ms: number): void {
    if (this.#timer || this.#disposed) return;
    this.#timer = this.#parts.clock.after(ms, () => {
      this.#timer = undefined;
      this.#tell();
      this.#ask();
      if (this.#untold.size > 0 || this.#awaited.size > 0) this.#schedule(TELL_EVERY_MS);
    });
  }

  #tell(): void {
    for (const [link, untold] of this.#untold) {
      // Lowest priority: a peer whose queue is full learns of it in a later round.
      if (this.#send(link, 'have', untold)) this.#untold.delete(link);
    }
  }

  #ask(): void {
    const now = this.#parts.clock.monotonic();
    const questions = new Map<Link, string[]>();
    for (const [id, awaited] of this.#awaited) {
      if (this.#parts.known(id)) this.#forget(id, awaited);
      else if (awaited.due <= now) {
        const holder = awaited.holders[awaited.asked % awaited.holders.length]!;
        if (++awaited.asked > ASK_TIMES) this.#forget(id, awaited);
        awaited.due = now + PATIENCE_MS * 2 ** awaited.asked;
        const asked = questions.get(holder);
        if (asked) asked.push(id);
        else questions.set(holder, [id]);
      }
    }
    for (const [holder, ids] of questions) this.#send(holder, 'want', ids);
  }

  #send(link: Link, kind: 'have' | 'want', ids: readonly string[]): boolean {
    if (link.wire.closed) return true;
    for (let at = 0; at < ids.length; at += MAX_IDS) if (!link.send({ kind, ids: ids.slice(at, at + MAX_IDS) })) return false;
    return true;
  }
}
