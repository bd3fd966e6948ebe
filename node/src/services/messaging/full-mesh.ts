/**
 * Overlay for small networks: a publisher sends to all its links; whoever receives tells its other links the id, and they ask for what did not
 * reach them. A full mesh carries each message once per receiver, and any connected graph carries it everywhere.
 * Ids before signatures: a copy costs one hash.
 */
import { CheckedBatches, EnvelopeError, inspectEnvelope, MAX_PUBLISH_ENVELOPE_BYTES, verifyEnvelope } from '@muster/protocol';
import type { InspectedEnvelope, NetworkId } from '@muster/protocol';
import type { Clock, Crypto } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { Link } from '../links/link.ts';
import type { LinkManager } from '../links/link-manager.ts';
import { LazyRepair } from './lazy-repair.ts';
import type { Overlay, OverlayEvents, OverlayMessage } from './overlay.ts';
import type { ReplayMemory } from './replay-memory.ts';

/** how long a publisher waits for a peer whose queue is full before that peer misses the message */
const SLOW_PEER_MS = 1_000;
export const GOSSIP_KINDS = ['publish', 'announce'];

export interface FullMeshParts {
  readonly links: LinkManager;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly network: NetworkId;
  readonly counters: Counters;
  readonly replays: ReplayMemory;
  readonly events: OverlayEvents;
}

export function fullMesh(parts: FullMeshParts): Overlay {
  const { links, clock, crypto, network, counters, replays, events } = parts;
  const checked = new CheckedBatches(crypto);
  /** being verified: a copy waits for the verdict, so that a forged one cannot shadow the true one */
  const pending = new Map<string, Promise<OverlayMessage | undefined>>();
  /** what came over one link is handed on in the order it came */
  const order = new WeakMap<Link, Promise<void>>();
  const slow = new WeakSet<Link>();

  const duplicate = (): undefined => void counters.add('gossip_incoming_duplicate_total');
  const refuse = (reason: string): undefined => {
    counters.add('gossip_incoming_rejected_total');
    counters.add(`gossip_rejected_total{reason="${reason}"}`);
    return undefined;
  };

  const offer = async (link: Link, bytes: Uint8Array): Promise<void> => {
    const sent = (): boolean => link.send({ kind: 'publish', envelope: bytes });
    if (sent()) return counters.add('gossip_sent_total');
    if (!slow.has(link)) {
      const timeout = Promise.withResolvers<void>();
      using _timer = clock.after(SLOW_PEER_MS, timeout.resolve);
      await Promise.race([link.wire.room(), timeout.promise]);
      if (sent()) return counters.add('gossip_sent_total');
      slow.add(link);
      void link.wire.room().then(() => slow.delete(link));
    }
    counters.add('gossip_slow_peer_dropped_total');
  };

  const repair = new LazyRepair({
    clock,
    links: () => links.all(),
    known: (id) => replays.has(id) || pending.has(id),
    // Never waits: whoever asks for more than it takes asks again.
    pass: (link, bytes) => counters.add(link.send({ kind: 'publish', envelope: bytes }) ? 'gossip_sent_total' : 'gossip_slow_peer_dropped_total'),
  });

  const verify = async (envelope: InspectedEnvelope, bytes: Uint8Array): Promise<OverlayMessage | undefined> => {
    try {
      const message = { ...(await verifyEnvelope(crypto, envelope, checked)), bytes };
      const seen = replays.seen(message.id, message.staleAfter, clock.now());
      if (seen === 'fresh') return message;
      return seen === 'replay' ? duplicate() : refuse(seen);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      return refuse(error.code);
    }
  };

  /** The verified message, once; undefined for copies and for what is refused. */
  const examine = async (bytes: Uint8Array): Promise<OverlayMessage | undefined> => {
    counters.add('gossip_incoming_total');
    let envelope: InspectedEnvelope;
    try {
      envelope = inspectEnvelope(crypto, bytes, { now: clock.now(), network, maxBytes: MAX_PUBLISH_ENVELOPE_BYTES, kinds: GOSSIP_KINDS });
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      return refuse(error.code);
    }
    if (replays.has(envelope.id)) return duplicate();
    while (pending.has(envelope.id)) if (await pending.get(envelope.id)) return duplicate();
    const verdict = verify(envelope, bytes);
    pending.set(envelope.id, verdict);
    return verdict.finally(() => pending.delete(envelope.id));
  };

  const receive = async (link: Link, bytes: Uint8Array, before: Promise<void> | undefined): Promise<void> => {
    const message = await examine(bytes);
    await before;
    if (!message) return;
    const refusal = events.refuses(message);
    if (refusal !== undefined) return refuse(refusal);
    counters.add('gossip_incoming_accepted_total');
    events.accepted(message);
    repair.offer(message.id, bytes, link);
  };

  links.on({
    up: (link) => repair.back(link),
    down: (link) => repair.gone(link),
    message: (link, message) => {
      if (message.kind === 'have') return repair.told(link, message.ids);
      if (message.kind === 'want') return repair.wanted(link, message.ids);
      if (message.kind !== 'publish') return;
      const before = order.get(link);
      const done = receive(link, message.envelope, before);
      // A copy is done at once; what follows it must still wait for what came before it. A message that failed holds up nothing.
      order.set(
        link,
        Promise.allSettled([before, done]).then(() => {}),
      );
      return done;
    },
  });

  return {
    // Everything goes everywhere.
    subscribe: () => {},
    unsubscribe: () => {},
    broadcast: async (message) => {
      replays.seen(message.id, message.staleAfter, clock.now());
      // Also told lazily: a peer whose link broke, or was too slow, asks for what it missed.
      repair.offer(message.id, message.bytes, undefined);
      await Promise.all(links.all().map((link) => offer(link, message.bytes)));
    },
    [Symbol.dispose]: () => repair[Symbol.dispose](),
  };
}
