/** The discovery cache: known agents that have said themselves where they are, by announcement or over a link. */
import type { AgentId, MachineId, UserId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { KnownPeer, KnownPeers } from '../peers/known-peers.ts';

export interface DiscoveredAgent {
  readonly agent: AgentId;
  readonly machine: MachineId;
  readonly user: UserId | null;
  readonly addresses: readonly string[];
  /** Unix seconds, by the clock here */
  readonly announcedAt: number;
  readonly lastSeen: number;
}

export interface DiscoveredAgentsParts {
  readonly peers: KnownPeers;
  readonly links: LinkManager;
  readonly contacts: ContactStore;
  readonly clock: Clock;
  /** an agent that was silent for longer is in the whole list only */
  readonly ttlSecs: number;
}

export class DiscoveredAgents {
  readonly #parts: DiscoveredAgentsParts;

  constructor(parts: DiscoveredAgentsParts) {
    this.#parts = parts;
  }

  all(): DiscoveredAgent[] {
    return this.#parts.peers.all().flatMap((peer) => this.#discovered(peer) ?? []);
  }

  /** Those heard of lately. */
  recent(): DiscoveredAgent[] {
    return this.all().filter(({ lastSeen }) => this.#within(lastSeen));
  }

  get(agent: AgentId): DiscoveredAgent | undefined {
    const peer = this.#parts.peers.get(agent);
    return peer && this.#discovered(peer);
  }

  /** Known and heard of lately: worth dialling without asking anybody. */
  fresh(agent: AgentId): DiscoveredAgent | undefined {
    const known = this.get(agent);
    return known && this.#within(known.lastSeen) ? known : undefined;
  }

  onMachine(machine: MachineId): DiscoveredAgent[] {
    return this.all().filter((agent) => agent.machine === machine);
  }

  /** Those that disclosed this user and announced themselves lately. */
  ofUser(user: UserId): DiscoveredAgent[] {
    return this.all().filter((agent) => agent.user === user && this.#within(agent.announcedAt));
  }

  /** Resolves once such an agent is heard of, with false when that does not happen within `ms` or `signal` aborts. */
  async heard(wanted: (peer: KnownPeer) => boolean, signal: AbortSignal, ms: number): Promise<boolean> {
    const { peers, clock } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = (): void => resolve(false);
    using _listener = peers.onLearned((peer) => {
      if (wanted(peer) && this.#discovered(peer)) resolve(true);
    });
    using _timer = clock.after(ms, giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #within(seconds: number): boolean {
    return this.#parts.clock.now() / 1_000 - seconds <= this.#parts.ttlSecs;
  }

  #discovered(peer: KnownPeer): DiscoveredAgent | undefined {
    const { agent, machine, user, addresses, announcedAt, heardAt = 0 } = peer;
    if (announcedAt === undefined) return undefined;
    return { agent, machine, user, addresses, announcedAt, lastSeen: Math.max(announcedAt, heardAt, this.#spoke(agent, machine)) };
  }

  /** When something last came over a live link; what a blocked agent or a wrong machine says does not count. Unix seconds, 0 without a link. */
  #spoke(agent: AgentId, machine: MachineId): number {
    const { links, contacts, clock } = this.#parts;
    const link = links.toAgent(agent);
    if (link?.machine !== machine || contacts.rejects(agent, machine)) return 0;
    return Math.floor((clock.now() - (clock.monotonic() - link.lastReceivedAt)) / 1_000);
  }
}
