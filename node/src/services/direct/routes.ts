/** The ways to an agent: a link, made when there is none, else its inbox topic. */
import { fromBase64, MAX_SEALED_DIRECT_PAYLOAD_BYTES } from '@muster/protocol';
import type { AgentId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import type { Link } from '../links/link.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { KnownPeer, KnownPeers } from '../peers/known-peers.ts';
import { remember } from '../remember.ts';
import { failure } from './failures.ts';
import type { InboxTopics } from './inbox-topics.ts';
import type { DirectPath, PendingMessage } from './outbox.ts';

/** an attempt waits 16 round trips for the recipient's word, at least 2 s and at most 30 s; 4 s while the round trip is not known */
const ATTEMPT_ROUND_TRIPS = 16;
const ATTEMPT_MIN_MS = 2_000;
const ATTEMPT_MAX_MS = 30_000;
const ATTEMPT_UNKNOWN_MS = 4_000;
/** for a link that is being made again right now */
const RELINK_MS = 2_000;
/** the same when the message can go by the inbox topic meanwhile */
const PREFER_LINK_MS = 250;
/** where no address answered, none is tried so soon again for a message that has another way */
const UNREACHABLE_FOR_MS = 30_000;
const MAX_UNREACHABLE = 1_024;
/** silent for eight heartbeats of 300 s */
const LIKELY_OFFLINE_SECS = 2_400;

export interface Route {
  readonly path: DirectPath;
  /** ms to wait for the recipient's word */
  readonly patience: number;
  /** its end is the end of the route */
  readonly link: Link | undefined;
  /** `gone`: the route has ended, and took nothing; `decided`: there was no room until then. Throws the failure that a caller should see. */
  carry(message: PendingMessage, decided: Promise<unknown>): Promise<'handed over' | 'gone' | 'decided'>;
}

export interface RouteParts {
  readonly links: LinkManager;
  readonly topics: InboxTopics;
  readonly peers: KnownPeers;
  readonly clock: Clock;
  /** may make links that nobody asked for */
  readonly autoDial: boolean;
}

export class Routes {
  readonly #parts: RouteParts;
  /** by agent: when its addresses were last tried in vain, monotonic */
  readonly #unreachable = new Map<AgentId, number>();
  /** who waits for a link to the agent */
  readonly #waiting = new Set<{ readonly agent: AgentId; readonly come: () => void }>();

  constructor(parts: RouteParts) {
    this.#parts = parts;
    parts.links.on({
      up: (link) => {
        for (const waiting of this.#waiting) if (waiting.agent === link.agent) waiting.come();
      },
      down: () => {},
    });
  }

  /** The best way there is now. Throws the failure that a caller should see. */
  async to(agent: AgentId, payloadBytes: number): Promise<Route> {
    const { links, peers, clock } = this.#parts;
    const link = links.toAgent(agent);
    if (link) return linkRoute(link);
    const peer = peers.get(agent);
    if (!peer) throw failure(404, 'recipient_key_unavailable', 'nothing is known of this agent: no link, no card, no announcement');
    const sealed = this.#sealed(agent, peer);
    const made = await this.#link(agent, peer, sealed !== undefined && payloadBytes <= MAX_SEALED_DIRECT_PAYLOAD_BYTES);
    if (made) return linkRoute(made);
    const silent = clock.now() / 1_000 - peer.lastSeen;
    if (silent > LIKELY_OFFLINE_SECS) throw failure(502, 'peer_likely_offline', `the recipient was last heard of ${Math.round(silent)} s ago`);
    if (sealed && payloadBytes > MAX_SEALED_DIRECT_PAYLOAD_BYTES) {
      const allowed = `at most ${MAX_SEALED_DIRECT_PAYLOAD_BYTES} bytes travel without a link to the recipient`;
      throw failure(400, 'envelope_construction', `payload of ${payloadBytes} bytes: ${allowed}`);
    }
    if (sealed) return sealed;
    if (links.hadLink(peer.machine)) throw failure(502, 'peer_disconnected', 'the link to the recipient ended and could not be made again');
    throw failure(503, 'no_connectivity', 'none of the known addresses of the recipient answers');
  }

  /** Over the topic, when there is anybody to carry it and a key to seal to. */
  #sealed(agent: AgentId, peer: KnownPeer): Route | undefined {
    const { links, topics } = this.#parts;
    if (peer.kemKey === null || links.size === 0) return undefined;
    const kemKey = fromBase64(peer.kemKey);
    return {
      path: 'gossip_inbox',
      patience: patienceFor(topics.roundTrip(agent)),
      link: undefined,
      carry: async (message) => {
        await topics.send(agent, kemKey, message);
        return 'handed over';
      },
    };
  }

  /** The link once it is there: dialled, or made again by others. */
  async #link(agent: AgentId, peer: KnownPeer, elsewhere: boolean): Promise<Link | undefined> {
    const { links, clock } = this.#parts;
    const settled = Promise.withResolvers<void>();
    const dialled = this.#dial(agent, peer, elsewhere);
    if (!dialled && (elsewhere || !links.hadLink(peer.machine))) return undefined;
    void dialled?.then(settled.resolve);
    const waiting = { agent, come: settled.resolve };
    this.#waiting.add(waiting);
    using _timer = clock.after(elsewhere ? PREFER_LINK_MS : RELINK_MS, settled.resolve);
    await settled.promise;
    this.#waiting.delete(waiting);
    return links.toAgent(agent);
  }

  /** undefined: it may not be dialled, or not again so soon. */
  #dial(agent: AgentId, peer: KnownPeer, elsewhere: boolean): Promise<void> | undefined {
    const { links, clock, autoDial } = this.#parts;
    if (!autoDial || peer.addresses.length === 0) return undefined;
    const triedAt = this.#unreachable.get(agent);
    if (elsewhere && triedAt !== undefined && clock.monotonic() - triedAt < UNREACHABLE_FOR_MS) return undefined;
    return Promise.any(peer.addresses.map((address) => links.connect(address, peer.machine))).then(
      () => void this.#unreachable.delete(agent),
      () => this.#note(agent),
    );
  }

  #note(agent: AgentId): void {
    remember(this.#unreachable, agent, this.#parts.clock.monotonic(), MAX_UNREACHABLE);
  }
}

function linkRoute(link: Link): Route {
  return {
    path: 'raw_quic_acked',
    patience: patienceFor(link.rtt),
    link,
    carry: async (message, decided) => {
      const envelope = fromBase64(message.envelope);
      while (!link.send({ kind: 'direct', envelope }, 'direct')) {
        if (link.wire.closed) return 'gone';
        const room = link.wire.room('direct').then(() => 'room');
        if ((await Promise.race([room, decided])) !== 'room') return 'decided';
      }
      return 'handed over';
    },
  };
}

function patienceFor(roundTrip: number | undefined): number {
  if (roundTrip === undefined) return ATTEMPT_UNKNOWN_MS;
  return Math.min(Math.max(roundTrip * ATTEMPT_ROUND_TRIPS, ATTEMPT_MIN_MS), ATTEMPT_MAX_MS);
}
