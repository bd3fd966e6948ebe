/**
 * All links of this node: accepts, dials, says hello, settles simultaneous dials on one link, and keeps those that are wanted.
 * A machine has at most one link; services see it come and go through `LinkEvents`.
 */
import { HELLO_EXPORTER_LABEL, HelloError, idBytes, idOfKey, makeHello, readHello } from '@muster/protocol';
import type { AgentId, Hello, HelloSession, LinkMessage, MachineId, NetworkId } from '@muster/protocol';
import { TransportError } from '../../ports/index.ts';
import type { Channel, Clock, Crypto, Log, Random, Transport, TransportListener } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import { Link, PING_INTERVAL_MS, VANISHED } from './link.ts';
import { ReceiveStats } from './receive-stats.ts';
import { HANDLING_LIMIT, Wire } from './wire.ts';
import { Wishes } from './wishes.ts';

/** a peer that has not said hello by then is cut off */
const HELLO_TIMEOUT_MS = 5_000;
/** from the first byte to the link: short, because a dial that began in a cut network must not outlast the cut by much */
const DIAL_TIMEOUT_MS = 3_500;
/** a link that lost against a simultaneous one stays readable this long, so that nothing in flight is cut */
const DRAIN_MS = 1_000;
const MAX_LINKS = 256;
/** messages being handled at once, at most */
export const RECEIVE_CAPACITY = MAX_LINKS * HANDLING_LIMIT;
/** channels whose hello is under way */
const MAX_UNSETTLED = 64;
/** messages that may come between the listener's hello and our link */
const MAX_EARLY = 16;
/** machines whose former links are remembered */
const MAX_REMEMBERED = 4_096;
/** how long stopping waits for last words to get out */
const FAREWELL_MS = 500;

/** What a listener throws is logged and costs the message, never the link or the node. */
export interface LinkEvents {
  /** A new link, also one that takes the place of another: the former one goes down later, after what is in flight on it. */
  up(link: Link): void;
  /** Once for every link that came up. */
  down(link: Link, reason: string): void;
  message(link: Link, message: LinkMessage): void | Promise<void>;
}

export interface LinkManagerParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly identity: LocalIdentity;
  readonly network: NetworkId;
  readonly counters: Counters;
  readonly log: Log;
  readonly software: { readonly name: string; readonly version: string };
  readonly capabilities: readonly string[];
}

export class LinkManager {
  /** how busy handling is with what arrives */
  readonly received: ReceiveStats;
  readonly #parts: LinkManagerParts;
  readonly #links = new Map<MachineId, Link>();
  readonly #byAgent = new Map<AgentId, Link>();
  readonly #generations = new Map<MachineId, number>();
  readonly #listeners: LinkEvents[] = [];
  readonly #wishes: Wishes;
  readonly #announced = new WeakSet<Link>();
  readonly #dialling = new Map<string, Promise<Link>>();
  readonly #wires = new Set<Wire>();
  readonly #stopped = new AbortController();
  readonly #timers = new Set<Disposable>();
  #unsettled = 0;
  #listener: TransportListener | undefined;

  constructor(parts: LinkManagerParts) {
    this.#parts = parts;
    this.received = new ReceiveStats(parts.clock);
    this.#wishes = new Wishes({
      ...parts,
      connect: async (address, machine) => (await this.connect(address, machine)).machine,
      linked: (machine) => this.#links.has(machine),
      full: () => this.#links.size >= MAX_LINKS,
    });
  }

  /** Starts accepting; resolves with the bound `host:port`. */
  async listen(address: string): Promise<string> {
    this.#listener = await this.#parts.transport.listen(address, (channel) => {
      if (this.#unsettled >= MAX_UNSETTLED || this.#links.size >= MAX_LINKS) {
        this.#parts.counters.add('links_refused_full_total');
        return channel.close('abort');
      }
      void this.#shake(channel, undefined).catch((error) => this.#refused(error, channel.remoteAddress));
    });
    return this.#listener.address;
  }

  get listener(): TransportListener | undefined {
    return this.#listener;
  }

  on(events: LinkEvents): void {
    this.#listeners.push(events);
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

  /** since this node started, as far as it remembers */
  hadLink(machine: MachineId): boolean {
    return this.#generations.has(machine);
  }

  /** One attempt. With `machine`, whoever else answers is refused. Joins an attempt already under way. Throws `TransportError`. */
  connect(address: string, machine?: MachineId): Promise<Link> {
    const existing = machine && this.#links.get(machine);
    if (existing) return Promise.resolve(existing);
    const key = `${machine ?? ''}@${address}`;
    const running = this.#dialling.get(key);
    if (running) return running;
    const attempt = this.#dial(address, machine).finally(() => this.#dialling.delete(key));
    this.#dialling.set(key, attempt);
    return attempt;
  }

  /** Keeps a link wanted: dialled now, and again with growing pauses whenever it is missing. Without `machine`, whoever answers there will do. */
  want(addresses: readonly string[], machine?: MachineId): void {
    if (machine !== this.#parts.identity.machineId) this.#wishes.want(addresses, machine);
  }

  /** Says goodbye on every link, and waits shortly for that to get out. */
  async stop(): Promise<void> {
    const { clock } = this.#parts;
    this.#stopped.abort(new TransportError('closed', 'the node is stopping'));
    this.#wishes[Symbol.dispose]();
    for (const timer of this.#timers) timer[Symbol.dispose]();
    await this.#listener?.[Symbol.asyncDispose]();
    for (const link of this.all()) link.close('shutting down');
    for (const wire of this.#wires) wire.close('shutting down', 'abort');
    const said = new AbortController();
    const all = Promise.all([...this.#wires].map((wire) => wire.gone));
    await Promise.race([all, clock.sleep(FAREWELL_MS, said.signal).catch(() => {})]);
    said.abort();
    for (const wire of this.#wires) wire.channel.close('abort');
  }

  async #dial(address: string, machine: MachineId | undefined): Promise<Link> {
    const { transport, clock, counters } = this.#parts;
    const deadline = new AbortController();
    const timer = clock.after(DIAL_TIMEOUT_MS, () =>
      deadline.abort(new TransportError('timeout', `no answer from ${address} in ${DIAL_TIMEOUT_MS} ms`)),
    );
    try {
      counters.add('dials_total');
      const hash = machine === undefined ? undefined : idBytes(machine);
      const channel = await transport.dial(address, hash, AbortSignal.any([deadline.signal, this.#stopped.signal]));
      return await this.#shake(channel, deadline.signal);
    } catch (error) {
      counters.add('dials_failed_total');
      throw error instanceof TransportError ? error : new TransportError('handshake_failed', errorText(error), { cause: error });
    } finally {
      timer[Symbol.dispose]();
    }
  }

  /** Hello both ways, then the link. The listener answers only a hello that it accepts, so the dialler never believes in a link that was refused. */
  async #shake(channel: Channel, deadline: AbortSignal | undefined): Promise<Link> {
    const { clock, crypto, identity, network, software, capabilities } = this.#parts;
    const { initiator } = channel;
    if (this.#stopped.signal.aborted) {
      channel.close('abort');
      throw this.#stopped.signal.reason;
    }
    const peerMachine = idOfKey<MachineId>(crypto, channel.peerKey);
    const session: HelloSession = { exporter: channel.exporter(HELLO_EXPORTER_LABEL), initiator, ownMachine: identity.machineId, peerMachine };
    const incoming = Promise.withResolvers<Uint8Array>();
    const settled = Promise.withResolvers<void>();
    const early: LinkMessage[] = [];
    let link: Link | undefined;
    let answered = false;
    const fail = (error: Error): void => {
      incoming.reject(error);
      settled.reject(error);
    };
    incoming.promise.catch(() => {});
    settled.promise.catch(() => {});
    this.#unsettled++;
    const wire: Wire = new Wire(channel, {
      message: (message) => {
        if (link) return this.#received(link, message);
        if (message.kind === 'hello') return incoming.resolve(message.hello);
        if (message.kind === 'goodbye') return fail(new TransportError('closed', `the peer refused: ${message.reason}`));
        // A dialler has nothing to say before it has our hello.
        if (initiator ? early.length >= MAX_EARLY : !answered) return fail(new TransportError('handshake_failed', 'the peer spoke out of turn'));
        early.push(message);
        settled.resolve();
      },
      unknown: () => this.#parts.counters.add('link_messages_unknown_total'),
      closed: (reason) => {
        if (link) this.#lost(link, reason);
        else fail(new TransportError('closed', `closed during hello: ${reason}`));
      },
    });
    this.#wires.add(wire);
    void wire.gone.then(() => this.#wires.delete(wire));
    deadline?.addEventListener('abort', () => fail(deadline.reason as Error), { once: true });
    using _deadline = clock.after(HELLO_TIMEOUT_MS, () => fail(new TransportError('timeout', 'the peer did not say hello in time')));
    const sayHello = async (): Promise<void> => {
      const addresses = this.#listener ? [this.#listener.address] : [];
      const fields = { network, capabilities, software, addresses, kemKey: identity.kemKey.publicKey };
      wire.send({ kind: 'hello', hello: await makeHello(crypto, identity.agentKey, fields, session) });
    };
    try {
      if (peerMachine === identity.machineId) throw new TransportError('wrong_machine', 'that is this node itself');
      if (initiator) await sayHello();
      const hello = await readHello(crypto, await incoming.promise, network, session);
      if (!initiator) {
        answered = true;
        await sayHello();
        await settled.promise;
      }
      const dialledBefore = initiator ? this.#dialled(peerMachine) : undefined;
      if (dialledBefore) {
        // The listener waits for our first word: without it there is no second link on either side.
        wire.close('already linked');
        return dialledBefore;
      }
      link = this.#establish(wire, hello, peerMachine, initiator);
      for (const message of early) void this.#received(link, message);
      return this.#links.get(peerMachine) ?? link;
    } catch (error) {
      wire.send({ kind: 'goodbye', reason: error instanceof HelloError ? error.code : 'handshake_failed' });
      wire.close(errorText(error));
      throw error;
    } finally {
      this.#unsettled--;
    }
  }

  #establish(wire: Wire, hello: Hello, machine: MachineId, initiator: boolean): Link {
    const { clock, identity } = this.#parts;
    if (wire.closed) throw new TransportError('closed', 'closed during hello');
    const dialler = initiator ? identity.machineId : machine;
    const generation = (this.#generations.get(machine) ?? 0) + 1;
    this.#generations.delete(machine);
    this.#generations.set(machine, generation);
    if (this.#generations.size > MAX_REMEMBERED) this.#generations.delete(this.#generations.keys().next().value!);
    const link = new Link(clock, wire, hello, { machine, agent: hello.agent, dialler }, generation);
    const existing = this.#links.get(machine);
    if (existing && this.#keeps(existing, link)) {
      this.#drain(link);
      return link;
    }
    this.#links.set(machine, link);
    this.#byAgent.set(link.agent, link);
    if (existing) this.#drain(existing);
    this.#parts.log.write('info', existing ? 'link replaced' : 'link up', { machine, agent: link.agent, address: link.address, generation });
    this.#announced.add(link);
    for (const listener of this.#listeners) void this.#guarded(() => listener.up(link));
    return link;
  }

  /** Both ends decide alike: of two live links the one dialled by the lower machine id stays; a peer that dials again, or a silent link, is replaced. */
  #keeps(existing: Link, incoming: Link): boolean {
    return !this.#silent(existing) && existing.dialler < incoming.dialler;
  }

  #silent(link: Link): boolean {
    return this.#parts.clock.monotonic() - link.lastReceivedAt > PING_INTERVAL_MS * 1.5;
  }

  /** A living link that we dialled ourselves. Of two dials from here the first wins, here, because the two ends may see them end in different orders. */
  #dialled(machine: MachineId): Link | undefined {
    const link = this.#links.get(machine);
    return link && link.dialler === this.#parts.identity.machineId && !this.#silent(link) ? link : undefined;
  }

  #drain(link: Link): void {
    link.interrupted = true;
    link.stopWatching();
    this.#later(DRAIN_MS, () => link.close('superseded'));
  }

  #received(link: Link, message: LinkMessage): void | Promise<void> {
    link.heard(message);
    if (message.kind === 'goodbye') {
      link.interrupted ||= message.reason === VANISHED;
      return link.wire.close(`peer said goodbye: ${message.reason}`);
    }
    if (message.kind === 'ping' || message.kind === 'pong') return;
    const handled = this.received.begin(link.machine, message.kind);
    const pending: Promise<void>[] = [];
    for (const listener of this.#listeners) {
      const result = this.#guarded(() => listener.message(link, message));
      if (result) pending.push(result);
    }
    if (pending.length > 0) return Promise.all(pending).then(handled);
    handled();
  }

  /** Runs what a service does with an event; never throws or rejects. */
  #guarded(work: () => void | Promise<void>): void | Promise<void> {
    const failed = (error: unknown): void => {
      // What was under way when the node stopped finds its store closed.
      if (this.#stopped.signal.aborted) return;
      this.#parts.counters.add('link_events_failed_total');
      this.#parts.log.write('error', 'a service failed on an event of a link', { error: errorText(error) });
    };
    try {
      return work()?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #lost(link: Link, reason: string): void {
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
    for (const listener of this.#listeners) void this.#guarded(() => listener.down(link, reason));
    if (current) this.#wishes.lost(link.machine);
  }

  #later(ms: number, task: () => void): void {
    const timer = this.#parts.clock.after(ms, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }

  #refused(error: unknown, address: string): void {
    const reason = error instanceof HelloError || error instanceof TransportError ? error.code : 'failed';
    this.#parts.counters.add(`hello_refused_total{reason="${reason}"}`);
    this.#parts.log.write('debug', 'hello refused', { address, reason, error: errorText(error) });
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
