/**
 * All links of this node: accepts, dials, says hello, and keeps those that are wanted.
 * A machine has at most one link; services see it come and go through `LinkEvents`.
 */
import { HelloError, idBytes, INSTANCE_BYTES } from '@muster/protocol';
import type { AgentId, MachineId, NetworkId } from '@muster/protocol';
import { TransportError } from '../../ports/index.ts';
import type { Channel, Clock, Crypto, Log, Random, Transport, TransportListener } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import { listeningFor } from './addresses.ts';
import { errorText } from './error-text.ts';
import { Handshake } from './handshake.ts';
import { STOPPING } from './link.ts';
import type { Link } from './link.ts';
import { LinkTable } from './link-table.ts';
import type { LinkEvents } from './link-table.ts';
import { patience } from './patience.ts';
import { ReceiveStats } from './receive-stats.ts';
import { HANDLING_LIMIT } from './wire.ts';
import type { Wire } from './wire.ts';
import { Wishes } from './wishes.ts';

/**
 * from the first byte to the channel: short, because a dial that began in a cut network must not outlast the cut by much. Whoever has answered so
 * far is there, and perhaps busy: what was done is not thrown away, and hello has a time of its own.
 */
const DIAL_TIMEOUT_MS = 3_500;
const MAX_LINKS = 256;
/** messages being handled at once, at most */
export const RECEIVE_CAPACITY = MAX_LINKS * HANDLING_LIMIT;
/** channels whose hello is under way */
const MAX_UNSETTLED = 64;
/** how long stopping waits for last words to get out */
const FAREWELL_MS = 500;

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
  /** A dial ended: in a link to `machine` after `ms`, or, when `ms` is undefined, not. */
  readonly dialled?: (address: string, machine: MachineId | undefined, ms: number | undefined) => void;
}

export class LinkManager {
  /** how busy handling is with what arrives */
  readonly received: ReceiveStats;
  readonly #parts: LinkManagerParts;
  readonly #table: LinkTable;
  readonly #wishes: Wishes;
  readonly #instance: Uint8Array;
  readonly #dialling = new Map<string, Promise<Link>>();
  readonly #wires = new Set<Wire>();
  readonly #stopped = new AbortController();
  #unsettled = 0;
  #listener: TransportListener | undefined;

  constructor(parts: LinkManagerParts) {
    const { clock, counters, log, crypto, identity } = parts;
    this.#parts = parts;
    this.#instance = crypto.randomBytes(INSTANCE_BYTES);
    this.received = new ReceiveStats(clock);
    this.#table = new LinkTable({
      clock,
      counters,
      log,
      self: identity.machineId,
      received: this.received,
      stopping: () => this.#stopped.signal.aborted,
      lost: (machine) => this.#wishes.lost(machine),
    });
    this.#wishes = new Wishes({
      ...parts,
      connect: async (address, machine) => (await this.connect(address, machine)).machine,
      linked: (machine) => this.toMachine(machine) !== undefined,
      full: () => this.size >= MAX_LINKS,
    });
  }

  /** Starts accepting; resolves with the bound `host:port`. */
  async listen(address: string): Promise<string> {
    this.#listener = await this.#parts.transport.listen(address, (channel) => {
      if (this.#unsettled >= MAX_UNSETTLED || this.size >= MAX_LINKS) {
        this.#parts.counters.add('links_refused_full_total');
        return channel.close('abort');
      }
      void this.#shake(channel).catch((error) => this.#refused(error, channel.remoteAddress));
    });
    return this.#listener.address;
  }

  get listener(): TransportListener | undefined {
    return this.#listener;
  }

  on(events: LinkEvents): void {
    this.#table.on(events);
  }

  all(): Link[] {
    return this.#table.all();
  }

  get size(): number {
    return this.#table.size;
  }

  toMachine(machine: MachineId): Link | undefined {
    return this.#table.toMachine(machine);
  }

  toAgent(agent: AgentId): Link | undefined {
    return this.#table.toAgent(agent);
  }

  /** since this node started, as far as it remembers */
  hadLink(machine: MachineId): boolean {
    return this.#table.hadLink(machine);
  }

  /** One attempt. With `machine`, whoever else answers is refused. Joins an attempt already under way. Throws `TransportError`. */
  connect(address: string, machine?: MachineId): Promise<Link> {
    const existing = machine && this.toMachine(machine);
    if (existing) return Promise.resolve(existing);
    const key = `${machine ?? ''}@${address}`;
    const running = this.#dialling.get(key);
    if (running) return running;
    const attempt = this.#dial(address, machine).finally(() => this.#dialling.delete(key));
    this.#dialling.set(key, attempt);
    return attempt;
  }

  /**
   * Keeps a link wanted: dialled now, and again with growing pauses whenever it is missing. Without `machine`, whoever answers there will do;
   * `answered` just did.
   */
  want(addresses: readonly string[], machine?: MachineId, answered?: MachineId): void {
    if (machine !== this.#parts.identity.machineId) this.#wishes.want(addresses, machine, answered);
  }

  /** Says goodbye on every link, and waits shortly for that to get out. */
  async stop(): Promise<void> {
    const { clock } = this.#parts;
    this.#stopped.abort(new TransportError('closed', 'the node is stopping'));
    this.#wishes[Symbol.dispose]();
    this.#table[Symbol.dispose]();
    await this.#listener?.[Symbol.asyncDispose]();
    for (const link of this.all()) link.close(STOPPING);
    for (const wire of this.#wires) wire.close(STOPPING, 'abort');
    const said = new AbortController();
    const all = Promise.all([...this.#wires].map((wire) => wire.gone));
    await Promise.race([all, clock.sleep(FAREWELL_MS, said.signal).catch(() => {})]);
    said.abort();
    for (const wire of this.#wires) wire.channel.close('abort');
  }

  async #dial(address: string, machine: MachineId | undefined): Promise<Link> {
    const { transport, clock, counters } = this.#parts;
    const start = clock.monotonic();
    const deadline = new AbortController();
    const timer = patience(clock, DIAL_TIMEOUT_MS, () =>
      deadline.abort(new TransportError('timeout', `no answer from ${address} in ${DIAL_TIMEOUT_MS} ms`)),
    );
    try {
      counters.add('dials_total');
      const hash = machine === undefined ? undefined : idBytes(machine);
      const channel = await transport.dial(address, hash, AbortSignal.any([deadline.signal, this.#stopped.signal]));
      timer[Symbol.dispose]();
      const link = await this.#shake(channel);
      this.#parts.dialled?.(address, link.machine, clock.monotonic() - start);
      return link;
    } catch (error) {
      counters.add('dials_failed_total');
      if (!this.#stopped.signal.aborted) this.#parts.dialled?.(address, machine, undefined);
      throw error instanceof TransportError ? error : new TransportError('handshake_failed', errorText(error), { cause: error });
    } finally {
      timer[Symbol.dispose]();
    }
  }

  async #shake(channel: Channel): Promise<Link> {
    if (this.#stopped.signal.aborted) {
      channel.close('abort');
      throw this.#stopped.signal.reason;
    }
    const { software, capabilities, identity } = this.#parts;
    const addresses = this.#listener ? listeningFor(channel.remoteAddress, this.#listener.address) : [];
    const about = () => ({ software, capabilities, addresses, instance: this.#instance });
    this.#unsettled++;
    const handshake = new Handshake({ ...this.#parts, about }, channel);
    const { wire, machine, initiator } = handshake;
    this.#watch(wire);
    try {
      const hello = await handshake.run();
      const dialledBefore = initiator ? this.#table.dialled(machine) : undefined;
      if (dialledBefore) {
        // The listener waits for our first word: without it there is no second link on either side.
        wire.close('already linked');
        return dialledBefore;
      }
      const link = this.#table.establish(wire, hello, { machine, dialler: initiator ? identity.machineId : machine });
      for (const message of handshake.early) void this.#table.received(link, message);
      return this.toMachine(machine) ?? link;
    } catch (error) {
      handshake.refuse(error);
      throw error;
    } finally {
      this.#unsettled--;
    }
  }

  /** Apart from the handshake, which a closure made there would hold on to for as long as the wire lasts. */
  #watch(wire: Wire): void {
    this.#wires.add(wire);
    void wire.gone.then(() => this.#wires.delete(wire));
  }

  #refused(error: unknown, address: string): void {
    const reason = error instanceof HelloError || error instanceof TransportError ? error.code : 'failed';
    this.#parts.counters.add(`hello_refused_total{reason="${reason}"}`);
    this.#parts.log.write('debug', 'hello refused', { address, reason, error: errorText(error) });
  }
}
