/** Looks for an agent in three stages: what is known here, the agent itself on its shard, the keepers of its rendezvous record. */
import { CapabilityError } from '@muster/contract';
import { encodeDiscovery, identityTopic } from '@muster/protocol';
import type { AgentId } from '@muster/protocol';
import type { Clock, Log } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Announcements } from '../identity/announcements.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { PubSub } from '../messaging/pubsub.ts';
import type { KnownPeers } from '../peers/known-peers.ts';
import type { DiscoveredAgent, DiscoveredAgents } from './discovered-agents.ts';
import type { Rendezvous } from './rendezvous.ts';

type Stage = 'cache' | 'shard' | 'rendezvous';

export interface Found {
  /** in order; the last one has it, when there is an agent */
  readonly tried: readonly Stage[];
  readonly agent: DiscoveredAgent | undefined;
}

/** of each stage that asks the network */
const STAGE_MS = 2_500;
/** a question may get lost while topics are being joined */
const ASKS = 3;
const MAX_SEARCHES = 64;
/** what a search gave stands this long: who asks again and again does not make the network look again and again */
const STANDS_MS = 3_000;

export interface FinderParts {
  readonly links: LinkManager;
  readonly pubsub: PubSub;
  readonly peers: KnownPeers;
  readonly contacts: ContactStore;
  readonly discovered: DiscoveredAgents;
  readonly announcements: Announcements;
  /** undefined: this node takes no part in it */
  readonly rendezvous: Rendezvous | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export class Finder implements Disposable {
  readonly #parts: FinderParts;
  readonly #searches = new Map<AgentId, Promise<Found>>();
  readonly #stopped = new AbortController();
  readonly #timers = new Set<Disposable>();
  #underWay = 0;

  constructor(parts: FinderParts) {
    this.#parts = parts;
  }

  /** At once when it is known, else after 5 s at most; joins a search that is under way, or was 3 s ago. Throws `CapabilityError` (503) at the bound of searches. */
  async find(agent: AgentId): Promise<Found> {
    const { discovered, links } = this.#parts;
    const known = discovered.fresh(agent);
    if (known || links.size === 0) return { tried: ['cache'], agent: known };
    const running = this.#searches.get(agent);
    if (running) return running;
    if (this.#underWay >= MAX_SEARCHES) throw new CapabilityError(503, 'too many searches at once');
    this.#underWay++;
    const search = this.#search(agent).finally(() => {
      this.#underWay--;
      this.#forgetLater(agent);
    });
    this.#searches.set(agent, search);
    return search;
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  #forgetLater(agent: AgentId): void {
    if (this.#stopped.signal.aborted) return;
    const timer = this.#parts.clock.after(STANDS_MS, () => {
      this.#timers.delete(timer);
      this.#searches.delete(agent);
    });
    this.#timers.add(timer);
  }

  async #search(agent: AgentId): Promise<Found> {
    const { discovered, rendezvous } = this.#parts;
    const tried: Stage[] = ['cache', 'shard'];
    if (await this.#onShard(agent)) return { tried, agent: discovered.get(agent) };
    if (!rendezvous || this.#stopped.signal.aborted) return { tried, agent: undefined };
    tried.push('rendezvous');
    const met = await this.#atRendezvous(agent, rendezvous);
    return { tried, agent: met ? discovered.get(agent) : undefined };
  }

  /** The agent answers for itself, with an announcement. */
  async #onShard(agent: AgentId): Promise<boolean> {
    const { discovered, announcements, clock } = this.#parts;
    using _listening = announcements.listen(identityTopic(agent));
    const heard = discovered.heard((peer) => peer.agent === agent && discovered.fresh(agent) !== undefined, this.#stopped.signal, STAGE_MS);
    const again = Array.from({ length: ASKS - 1 }, (_, index) => clock.after(((index + 1) * STAGE_MS) / ASKS, () => this.#ask(agent)));
    this.#ask(agent);
    try {
      return await heard;
    } finally {
      for (const timer of again) timer[Symbol.dispose]();
    }
  }

  #ask(agent: AgentId): void {
    const { pubsub, log } = this.#parts;
    void pubsub
      .publish(identityTopic(agent), encodeDiscovery({ kind: 'ask', agent }), 'announce')
      .catch((error: unknown) => log.write('debug', 'asking failed', { error: String(error) }));
  }

  /** What it left there is its own word, of the time that it was given: what is known since then stands. */
  async #atRendezvous(agent: AgentId, rendezvous: Rendezvous): Promise<boolean> {
    const { peers, contacts, clock } = this.#parts;
    const record = await rendezvous.find(agent, STAGE_MS, ASKS, this.#stopped.signal);
    if (!record || contacts.rejects(agent, record.machine)) return false;
    const { machine, addresses, agentKey, kemKey, issued } = record;
    if (issued > (peers.get(agent)?.issued ?? -1))
      peers.learn(agent, machine, { addresses, agentKey, kemKey, issued, announced: Math.floor(Math.min(issued, clock.now()) / 1_000) });
    return true;
  }
}
