import { type PeerLink, placeOf, publishEnvelope, type ScenarioContext, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { untilMeshed } from '../links/peers.ts';
import { countersOf, openStream, payloadOf, subscribe, threeOf } from '../nodes.ts';
import { told, untilSeen } from './looks.ts';

const BEGIN_MS = 15_000;
const INTERVAL_SECS = 1;
/** of each path: less than the flood */
const BYTES_PER_SECOND = 1_400_000;
const MESSAGE_BYTES = 96 * 1024;
/** several times the silence after which an agent is taken for gone */
const FLOOD_MS = 20_000;
/** what a link may still hold when the flood ends, and what asks for messages that found no room */
const EBB_MS = 30_000;
const ROUND_MS = 100;
const A_ROUND = 4;
const ASK_MS = 4_000;
/** less than what waits on a link takes, at that speed (8 MiB): a direct message waits only for what the kernel has taken already (about 5) */
const RTT_MS = 5_000;

export const flood = exercise(
  {
    'presence.flood': 'While more is published than the links can carry, signs of life get through: nobody who is up is seen down.',
    'presence.flood-direct': 'A direct message that is sent during a flood is acknowledged in bounded time.',
  },
  {
    id: 'presence/flood',
    title: 'a flood of messages over thin links holds up no sign of life',
    needs: {
      nodes: 3,
      wiring: 'proxied',
      powers: ['half-open', 'world', 'link'],
      config: { presence_beacon_interval_secs: INTERVAL_SECS },
      capabilities: ['presence.status', 'presence.events', 'network.peers', 'status.metrics', 'messaging.subscribe', 'direct.send'],
    },
    limit: 180_000,
    phases: {
      async drive(context) {
        const { claim, clock, faults, record } = context;
        const nodes = threeOf(context);
        const [alice] = nodes;
        await untilMeshed(context, nodes, BEGIN_MS);
        await untilSeen(context, nodes, BEGIN_MS);
        for (const node of nodes) await openStream(context, node, 'presence.events');
        const topic = context.topic('flood');
        await using subscriptions = new AsyncDisposableStack();
        for (const node of nodes) subscriptions.use(await subscribe(context, node, topic));
        const counted = async (name: string): Promise<number> => (await countersOf(alice)).get(name) ?? 0;
        const before = await counted('gossip_slow_peer_dropped_total');
        const place = await placeOf(alice);
        await using peer = new ScriptedPeer(place);
        const link = await peer.dial(place.address);
        link.send({ kind: 'overlay', control: { kind: 'join' } });
        const thin = await faults.badPaths('all', { delayMs: 1, bytesPerSecond: BYTES_PER_SECOND });

        const begun = clock.monotonic();
        const over = clock.timeout(FLOOD_MS);
        const [sent, rtts] = await Promise.all([pour(context, peer, link, topic, over), written(context, over)]);
        const seconds = (clock.monotonic() - begun) / 1_000;
        const overflowed = (await counted('gossip_slow_peer_dropped_total')) - before;
        await thin.heal();
        await untilSeen(context, nodes, EBB_MS);
        const numbers = record.observe('lab', 'flood', 'over', {
          messages: sent,
          bytes_per_second: Math.round((sent * MESSAGE_BYTES) / seconds),
          link_bytes_per_second: BYTES_PER_SECOND,
          found_no_room: overflowed,
          direct: rtts.length,
          direct_worst_ms: Math.round(Math.max(...rtts)),
        });

        const options = { needsFaults: [thin], premise: claims.atLeast({ seq: numbers.seq, at: '/data/found_no_room' }, 1) };
        for (const node of nodes) {
          for (const other of nodes.filter((each) => each !== node)) {
            claim(`steady/${node.name}-${other.name}`, 'presence.flood', 'MUST', claims.never(told(node, other, 'offline')), options);
          }
        }
        claim('direct', 'presence.flood-direct', 'MUST', claims.atMost({ seq: numbers.seq, at: '/data/direct_worst_ms' }, RTT_MS, 'ms'), options);
      },
    },
  },
);

/** Publishes through the node at the link's other end, more than it can pass on. @returns how many messages */
async function pour({ clock }: ScenarioContext, peer: ScriptedPeer, link: PeerLink, topic: string, over: AbortSignal): Promise<number> {
  let sent = 0;
  while (!over.aborted && !link.isClosed) {
    for (let count = 0; count < A_ROUND; count++) {
      const payload = new Uint8Array(MESSAGE_BYTES);
      new DataView(payload.buffer).setUint32(0, ++sent);
      link.send({ kind: 'publish', envelope: await publishEnvelope(peer, topic, payload, { issued: clock.now() }) });
    }
    await clock.sleep(ROUND_MS);
  }
  return sent;
}

/** Direct messages between the others, one after the other. @returns ms until each was acknowledged; more than it may take when it was not */
async function written(context: ScenarioContext, over: AbortSignal): Promise<number[]> {
  const [alice, bob] = threeOf(context);
  const rtts: number[] = [];
  while (!over.aborted) {
    const begun = context.clock.monotonic();
    const { outcome } = await alice.rest(
      'direct.send',
      { agent_id: bob.agentId, payload: payloadOf(`meanwhile ${rtts.length}`) },
      { timeout: RTT_MS },
    );
    const took = context.clock.monotonic() - begun;
    rtts.push(outcome === 'ok' ? took : RTT_MS + took);
    await context.clock.sleep(ASK_MS);
  }
  return rtts;
}
