/**
 * Messages on their way out: handed over, acknowledged, tried again. Once a message was handed to a route its fate is the recipient's word:
 * without one the answer is `timeout`, and the outbox goes on until the message expires. One that no route took is withdrawn: it certainly did not arrive.
 */
import type { AgentId, DirectOutcome } from '@muster/protocol';
import type { Clock, Log } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { Link } from '../links/link.ts';
import { failure, rejection } from './failures.ts';
import type { DirectPath, Outbox, PendingMessage, SendPath } from './outbox.ts';
import type { Route, Routes } from './routes.ts';
import type { Trace } from './trace.ts';

const RETRIES = 1;
const MAX_IN_FLIGHT = 4_096;
/** after a time-out, what is pending is sent again */
const RESUME_MS = 5_000;
/** what the last life of this process left behind, after the first link is up */
const RESUME_LEFT_MS = 1_000;

const SENT_TOTAL: Readonly<Record<DirectPath, string>> = {
  raw_quic_acked: 'dm_outgoing_path_link_total',
  gossip_inbox: 'dm_outgoing_path_gossip_inbox_total',
};

export interface SendResult {
  readonly path: SendPath;
  readonly retries: number;
  /** 32 hex characters */
  readonly requestId: string;
}

/** The recipient's word, and the way it came; or that there was none. */
type Verdict = { readonly outcome: DirectOutcome; readonly via: DirectPath } | 'route lost' | 'timeout';

interface Awaiting {
  readonly to: AgentId;
  readonly link: Link | undefined;
  readonly settle: (verdict: Verdict) => void;
}

export interface DeliveryParts {
  readonly routes: Routes;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
  readonly trace: Trace;
}

export class Deliveries implements Disposable {
  readonly #parts: DeliveryParts;
  readonly #awaiting = new Map<string, Awaiting>();
  /** by request id: whoever wants a message delivered that is under way joins in */
  readonly #active = new Map<string, Promise<SendResult>>();
  readonly #resuming = new Map<AgentId, Disposable>();
  /** recipients of what the last life of this process left behind */
  #left: Set<AgentId>;
  #disposed = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#left = new Set(parts.outbox.pending().map(({ to }) => to));
  }

  get full(): boolean {
    return this.#active.size >= MAX_IN_FLIGHT;
  }

  /** `fresh`: it cannot have been handed over before. */
  deliver(message: PendingMessage, fresh: boolean): Promise<SendResult> {
    const running = this.#active.get(message.requestId);
    if (running) return running;
    const delivery = this.#attempts(message, !fresh).finally(() => this.#active.delete(message.requestId));
    this.#active.set(message.requestId, delivery);
    return delivery;
  }

  /** The recipient's word, also when nobody waits for it any more. */
  acknowledged(from: AgentId, requestId: string, outcome: DirectOutcome, via: DirectPath): void {
    const { outbox, trace } = this.#parts;
    const waiting = this.#awaiting.get(requestId);
    if (waiting) return void (waiting.to === from && waiting.settle({ outcome, via }));
    const message = outbox.get(requestId);
    if (message?.to !== from) return;
    trace.outgoing(outcome.kind === 'committed' ? 'acknowledged' : 'rejected', message, { via, late: true });
    if (outcome.kind === 'committed') outbox.committed(message, via);
    else outbox.abandon(message);
  }

  linkUp(link: Link): void {
    void this.#resume(link.agent);
    // There is somebody to carry what was left for agents that are not linked.
    for (const agent of this.#left) if (agent !== link.agent) this.#resumeLater(agent, RESUME_LEFT_MS);
    this.#left = new Set();
  }

  linkDown(link: Link): void {
    for (const waiting of this.#awaiting.values()) if (waiting.link === link) waiting.settle('route lost');
  }

  /** Whoever waits for a recipient's word is told that none came. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const waiting of this.#awaiting.values()) waiting.settle('timeout');
    for (const timer of this.#resuming.values()) timer[Symbol.dispose]();
  }

  async #attempts(message: PendingMessage, handedBefore: boolean): Promise<SendResult> {
    const { outbox, routes, counters, trace } = this.#parts;
    let handedOver = handedBefore;
    try {
      for (let retries = 0; retries <= RETRIES; retries++) {
        const route = await routes.to(message.to, message.bytes).catch((error: unknown) => {
          if (!handedOver) throw error;
          return undefined;
        });
        if (!route || this.#disposed) break;
        const verdict = await this.#attempt(route, message, () => {
          handedOver = true;
          counters.add('dm_outgoing_handed_over_total');
          trace.outgoing('sent', message, { via: route.path, attempt: retries + 1 });
        });
        if (verdict === 'route lost' || verdict === 'timeout') continue;
        const { outcome, via } = verdict;
        if (outcome.kind === 'rejected') {
          trace.outgoing('rejected', message, { via, reason: outcome.reason });
          handedOver = true;
          outbox.abandon(message);
          throw rejection(outcome.reason);
        }
        trace.outgoing('acknowledged', message, { via });
        outbox.committed(message, via);
        counters.add(SENT_TOTAL[via]);
        return { path: via, retries, requestId: message.requestId };
      }
      if (!handedOver) throw failure(503, 'no_connectivity', 'the links to the recipient took no message; it was not sent');
      this.#resumeLater(message.to);
      trace.outgoing('unacknowledged', message);
      throw failure(504, 'timeout', 'the recipient did not acknowledge in time; the message may still arrive until it expires');
    } catch (error) {
      if (!handedOver) {
        trace.outgoing('withdrawn', message);
        outbox.abandon(message);
      }
      throw error;
    }
  }

  async #attempt(route: Route, message: PendingMessage, handedOver: () => void): Promise<Verdict> {
    const answer = Promise.withResolvers<Verdict>();
    using _timer = this.#parts.clock.after(route.patience, () => answer.resolve('timeout'));
    this.#awaiting.set(message.requestId, { to: message.to, link: route.link, settle: answer.resolve });
    try {
      const carried = await route.carry(message, answer.promise);
      if (carried === 'gone') return 'route lost';
      if (carried === 'handed over') handedOver();
      return await answer.promise;
    } finally {
      this.#awaiting.delete(message.requestId);
    }
  }

  /** A way that stays open brings no occasion to go on with what the recipient did not acknowledge. */
  #resumeLater(agent: AgentId, ms = RESUME_MS): void {
    if (this.#resuming.has(agent) || this.#disposed) return;
    const timer = this.#parts.clock.after(ms, () => {
      this.#resuming.delete(agent);
      void this.#resume(agent);
    });
    this.#resuming.set(agent, timer);
  }

  /** What was pending when the route was lost, or this node ended, goes on: it may have been handed over before. */
  async #resume(agent: AgentId): Promise<void> {
    const { clock, outbox, log } = this.#parts;
    try {
      for (const message of outbox.pending()) {
        // Before its turn came, its sender may have been told that it was not sent.
        if (message.to !== agent || this.#active.has(message.requestId) || !outbox.get(message.requestId)) continue;
        if (message.expires < clock.now()) outbox.abandon(message);
        else
          await this.deliver(message, false).catch((error: unknown) =>
            log.write('debug', 'pending message not delivered', { to: agent, error: String(error) }),
          );
      }
    } catch (error) {
      log.write('warn', 'cannot go on with pending messages', { error: String(error) });
    }
  }
}
