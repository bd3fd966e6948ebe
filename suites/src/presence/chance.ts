/** A search asks fewer than all neighbours, drawn by chance: what it missed, the next one may find. How often is put to a sequential test. */
import { announceEnvelope, type NodeHandle, type PeerLink, placeOf, ScriptedPeer } from '@muster/lab';
import { claims, type Hypotheses, SequentialTest } from '@muster/proof';
import { type AgentId, encodePresence, idOfKey, PRESENCE_TOPIC } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { peersOf } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, setting } from '../nodes.ts';

/** twice as many as one search asks */
const NEIGHBOURS = 6;
const ASKED = NEIGHBOURS / 2;
/** one in two is told from three in ten, somewhat less than the one in three that asking one neighbour less comes to; a false alarm in a million runs */
const RATES: Hypotheses = { good: 0.5, bad: 0.3, alpha: 1e-6, beta: 0.01 };
/** some fifty decide; of a million runs twenty need more than these */
const MOST_TRIALS = 500;
const LIMIT_MS = 60_000;
const SEARCH_MS = 5_000;
const INTERVAL_MS = 30_000;

interface Searched {
  readonly target: AgentId;
  /** the neighbour that alone knows it, and what that one answers with */
  readonly knower: PeerLink;
  readonly beacon: Uint8Array;
  readonly asked: Set<PeerLink>;
}

export const chance = exercise(
  {
    'presence.by-chance':
      'A search asks three neighbours, drawn anew each time: an agent that only one of six knows, one that the last search left out, is found in one search of two.',
  },
  {
    id: 'presence/chance',
    title: 'a search among more neighbours than it asks finds as often as chance lets it',
    needs: {
      nodes: 1,
      powers: ['world', 'link'],
      exclusive: 'all neighbours of its node are its own',
      capabilities: ['presence.find', 'network.peers'],
    },
    limit: LIMIT_MS,
    phases: {
      async drive(context) {
        const { claim, clock, eventually, need, random, record } = context;
        const [node] = context.nodes as readonly [NodeHandle];
        const place = await placeOf(node);
        await using stack = new AsyncDisposableStack();
        const peers = Array.from({ length: NEIGHBOURS }, () => stack.use(new ScriptedPeer(place)));
        const links = await Promise.all(peers.map((peer) => peer.dial(place.address)));
        const all = async (): Promise<boolean> => (await peersOf(node, context.signal))?.length === NEIGHBOURS;
        const linked = await eventually('all are its peers', all, ARRIVAL_LIMIT_MS);

        const searches = new Map<AgentId, Searched>();
        for (const link of links) void answering(link, searches);
        const test = new SequentialTest(RATES);
        const most = setting(context, 'trials', MOST_TRIALS, 1);
        let mostAsked = 0;
        let before: Searched | undefined;
        while (!test.decided && test.trials < most) {
          const left = links.filter((link) => !before?.asked.has(link));
          const { crypto, network } = peers[0]!;
          const agentKey = crypto.signingKey(random.bytes(32));
          const target = idOfKey<AgentId>(crypto, agentKey.publicKey);
          const now = clock.now();
          const said = encodePresence({
            kind: 'beacon', machine: peers[0]!.machineId, run: now, sent: now, count: 1, interval: INTERVAL_MS, addresses: [], leaving: false,
          }); // prettier-ignore
          const beacon = await announceEnvelope({ crypto, agentKey, network }, PRESENCE_TOPIC, said, { issued: now });
          const search: Searched = { target, knower: random.pick(left.length > 0 ? left : links), beacon, asked: new Set() };
          searches.set(target, search);
          const { agent } = await need(node.rest('presence.find', { id: target, ttl: 1, timeout_ms: SEARCH_MS }), 'the node searches');
          const found = agent?.agent_id === target;
          record.observe(node.name, 'searches', 'over', { found, asked: search.asked.size });
          test.add(found);
          mostAsked = Math.max(mostAsked, search.asked.size);
          before = search;
        }
        const { seq } = record.observe('lab', 'searches', 'all', { trials: test.trials, most_asked: mostAsked });
        const premise = claims.exists({ seq: linked.seq, at: '/data/ms' });
        const trials = { nodes: [node.name], stream: 'searches', event: 'over' };
        claim('asked', 'presence.by-chance', 'MUST', claims.atMost({ seq, at: '/data/most_asked' }, ASKED), { premise });
        claim('found', 'presence.by-chance', 'MUST', claims.succeedsAtRate({ trials, success: '/found', ...RATES }), { premise });
      },
    },
  },
);

/** Answers what it is asked: with the beacon where it knows the agent, with nothing else. */
async function answering(link: PeerLink, searches: ReadonlyMap<AgentId, Searched>): Promise<void> {
  for (;;) {
    // Its link is over, or nothing came for as long as all of it may last: nobody asks any more.
    const message = await link.next('presence', LIMIT_MS).catch(() => undefined);
    if (!message) return;
    const { control } = message;
    if (control.kind !== 'query') continue;
    const search = control.target === null ? undefined : searches.get(control.target);
    search?.asked.add(link);
    const beacons = search?.knower === link ? [search.beacon] : [];
    link.send({ kind: 'presence', control: { kind: 'answer', walk: control.walk, forwarded: 0, beacons } });
  }
}
