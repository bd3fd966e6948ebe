/** The links there are: at most one to a machine. Settles simultaneous ones, and tells services what comes, goes and arrives. */
import { bytesEqual } from '@muster/protocol';
import type { AgentId, Hello, LinkMessage, MachineId } from '@muster/protocol';
import { TransportError } from '../../ports/index.ts';
import type { Clock, Log } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import { remember } from '../remember.ts';
import { errorText } from './error-text.ts';
import { endedWith, Link, PING_INTERVAL_MS, VANISHED } from './link.ts';
import type { ReceiveStats } from './receive-stats.ts';
import type { Wire } from './wire.ts';

/** a link that lost against a simultaneous one stays readable this long, so that nothing in flight is cut */
const DRAIN_MS = 1_000;
/** machines whose former links are remembered */
const MAX_REMEMBERED = 4_096;

/** What a listener throws is logged and costs the message, never the link or the node. */
export interface LinkEvents {
  /** A new link, also one that takes the place of another: the former one goes down later, after what is in flight on it. */
  up(link: Link, hello: Hello): void;
  /** Once for every link that came up. */
  down(link: Link, reason: string): void;
  message?(link: Link, message: LinkMessage): void | Promise<void>;
  /** the only ones that `message` is called for; all when left out */
  readonly kinds?: readonly LinkMessage['kind'][];
}

export interface LinkTableParts {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
  readonly self: MachineId;
  readonly received: ReceiveStats;
  /** the node is stopping: what fails now is no defect */
  readonly stopping: () => boolean;
  /** a machine has no link any more */
  readonly lost: (machine: MachineId) => void;
}

interface Former {
  readonly generation: number;
  readonly instance: Uint8Array | undefined;
}

export class LinkTable implements Disposable {
  readonly #parts: LinkTableParts;
  readonly #links = new Map<MachineId, Link>();
  readonly #byAgent = new Map<AgentId, Link>();
  readonly #former = new Map<MachineId, Former>();
  readonly #listeners: LinkEvents[] = [];
  /** who wants messages of a kind, in the order of `#listeners` */
  readonly #readers = new Map<LinkMessage['kind'], LinkEvents[]>();
  readonly #announced = new WeakSet<Link>();
  readonly #timers = new Set<Disposable>();

  constructor(parts: LinkTableParts) {
    this.#parts = parts;
  }

  on(events: LinkEvents): void {
    this.#listeners.push(events);
    this.#readers.clear();
  }

  all(): Link[] {
    return [...this.#links.values()];
  }

  get size(): number {
    return this.#links.size;
  }

  toMachine(machine: MachineId): Link | undefined {
    return this.#links.get(machine);
  }

  toAgent(agent: AgentId): Link | undefined {
    return this.#byAgent.get(agent);
  }

  hadLink(machine: MachineId): boolean {
    return this.#former.has(machine);
  }

  /** A living link that we dialled ourselves. Of two dials from here the first wins, here, because the two ends may see them end in different orders. */
  dialled(machine: MachineId): Link | undefined {
    const link = this.#links.get(machine);
    return link && link.dialler === this.#parts.self && !this.#silent(link) ? link : undefined;
  }

  /**
   * A link where both have accepted the other's hello; told as up unless another one stays. It has the wire before that,
   * because whoever is told of it may close it. Throws `TransportError` when the wire has closed meanwhile.
   */
  establish(wire: Wire, hello: Hello, ends: { machine: MachineId; dialler: MachineId }): Link {
    const { clock, log } = this.#parts;
    const { machine } = ends;
    if (wire.closed) throw new TransportError('closed', 'closed during hello');
    const former = this.#former.get(machine);
    const afresh = startedAnew(former?.instance, hello.instance);
    const generation = (former?.generation ?? 0) + 1;
    remember(this.#former, machine, { generation, instance: hello.instance }, MAX_REMEMBERED);
    const link = new Link(clock, wire, hello, { ...ends, agent: hello.agent }, { generation, afresh });
    this.#attach(link);
    const existing = this.#links.get(machine);
    // A link to a process that is gone is none, however lately it was heard.
    if (existing && !afresh && this.#keeps(existing, link)) {
      this.#drain(link);
      return link;
    }
    this.#links.set(machine, link);
    this.#byAgent.set(link.agent, link);
    if (existing && !afresh) this.#drain(existing);
    log.write('info', existing ? 'link replaced' : 'link up', { machine, agent: link.agent, address: link.address, generation });
    this.#announced.add(link);
    for (const listener of this.#listeners) this.#guarded(() => listener.up(link, hello));
    if (existing && afresh) existing.close('peer started anew');
    return link;
  }

  received(link: Link, message: LinkMessage): void | Promise<void> {
    link.heard(message);
    if (message.kind === 'goodbye') {
      link.interrupted ||= message.reason === VANISHED;
      return link.wire.close(endedWith(message.reason));
    }
    if (message.kind === 'ping' || message.kind === 'pong') return;
    const { received } = this.#parts;
    const { kind } = message;
    const begun = received.begin(link.machine, kind);
    let pending: Promise<void>[] | undefined;
    for (const reader of this.#readersOf(kind)) {
      const result = this.#read(reader, link, message);
      if (result) (pending ??= []).push(result);
    }
    if (pending) return (pending.length === 1 ? pending[0]! : Promise.all(pending)).then(() => received.end(kind, begun));
    received.end(kind, begun);
  }

  closed(link: Link, reason: string): void {
    link.stopWatching();
    const current = this.#links.get(link.machine) === link;
    if (current) this.#links.delete(link.machine);
    if (this.#byAgent.get(link.agent) === link) {
      const other = this.all().find(({ agent }) => agent === link.agent);
      if (other) this.#byAgent.set(link.agent, other);
      else this.#byAgent.delete(link.agent);
    }
    if (!this.#announced.has(link)) return;
    if (current) this.#parts.log.write('info', 'link down', { machine: link.machine, reason });
    for (const listener of this.#listeners) this.#guarded(() => listener.down(link, reason));
    if (current) this.#parts.lost(link.machine);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  /** Both ends decide alike: of two live links the one dialled by the lower machine id stays; a peer that dials again, or a silent link, is replaced. */
  #keeps(existing: Link, incoming: Link): boolean {
    return !this.#silent(existing) && existing.dialler < incoming.dialler;
  }

  #silent(link: Link): boolean {
    return this.#parts.clock.monotonic() - link.lastReceivedAt > PING_INTERVAL_MS * 1.5;
  }

  #drain(link: Link): void {
    link.interrupted = true;
    link.stopWatching();
    const timer = this.#parts.clock.after(DRAIN_MS, () => {
      this.#timers.delete(timer);
      link.close('superseded');
    });
    this.#timers.add(timer);
  }

  #attach(link: Link): void {
    link.wire.handOver({ message: (message) => this.received(link, message), closed: (reason) => this.closed(link, reason) });
  }

  #readersOf(kind: LinkMessage['kind']): LinkEvents[] {
    let readers = this.#readers.get(kind);
    if (!readers) {
      readers = this.#listeners.filter(({ message, kinds }) => message && (kinds?.includes(kind) ?? true));
      this.#readers.set(kind, readers);
    }
    return readers;
  }

  #read(reader: LinkEvents, link: Link, message: LinkMessage): void | Promise<void> {
    try {
      return reader.message!(link, message)?.catch(this.#failed);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Runs what a service does with an event; never throws. */
  #guarded(work: () => unknown): void {
    try {
      const done = work();
      if (done instanceof Promise) done.catch(this.#failed);
    } catch (error) {
      this.#failed(error);
    }
  }

  readonly #failed = (error: unknown): void => {
    // What was under way when the node stopped finds its store closed.
    if (this.#parts.stopping()) return;
    this.#parts.counters.add('link_events_failed_total');
    this.#parts.log.write('error', 'a service failed on an event of a link', { error: errorText(error) });
  };
}

function startedAnew(before: Uint8Array | undefined, now: Uint8Array | undefined): boolean {
  return before !== undefined && now !== undefined && !bytesEqual(before, now);
}
