import { type PeerLink, placeOf, publishEnvelope, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { type MachineId, toHex, utf8Bytes } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { peersOf, untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, deliveries, memoryOf, subscribe, threeOf } from '../nodes.ts';
import { Audience } from './audience.ts';
import { controlsOf, say } from './liars.ts';

const CROWD = 24;
/** of them at one address, where a peer can choose */
const TOGETHER = 16;
const ROUNDS = 15;
const ROUND_MS = 200;
/** each of them, in a round */
const COPIES = 400;
const GARBAGE = 4;
const INVENTED = 8;
/** a node has six neighbours, and those two that are here longest stay; guests beyond them go within this time */
const MOST_OF_CROWD = 4;
const GUESTS_GO_MS = 15_000;
/** of one host, where it is a public one */
const SHARE_OF_HOST = 2;
/** a busy machine collects late: 85 MB were seen where nothing is kept */
const MAX_GROWTH_BYTES = 128 * 1024 * 1024;
const CUT_MS = 15_000;

export const eclipse = exercise(
  {
    'overlay.crowd':
      'A crowd that forces itself upon a node gets the place of no neighbour that was there first, no more than what is left of the view for long, and from one address only two.',
    'overlay.uneclipsed': 'While a crowd takes in all that it is given, invents machines, repeats and babbles, every honest message arrives, once.',
    'overlay.repeats': 'A neighbour that repeats messages without end, or sends what cannot be read, is cut off.',
    'overlay.crowd-flat': 'What a crowd says does not fill the memory.',
  },
  {
    id: 'overlay/eclipse',
    title: 'a crowd presses upon a node to be all that it sees',
    needs: {
      nodes: 3,
      wiring: 'line',
      powers: ['world', 'link'],
      capabilities: ['messaging.publish', 'messaging.events', 'diagnostics.gossip', 'status.metrics'],
    },
    limit: 120_000,
    phases: {
      async drive(context) {
        const { claim, clock, eventually, record, random, signal } = context;
        const nodes = threeOf(context);
        const [alice, bob, carol] = nodes;
        await Promise.all([untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS), untilLinked(context, bob, carol, ARRIVAL_LIMIT_MS)]);
        await using audience = await Audience.of(context, nodes, context.topic('honest'));
        await audience.say(alice, ['before']);
        await audience.heard(nodes, 1, 'all listen', ARRIVAL_LIMIT_MS);

        const place = await placeOf(bob);
        const shared = place.engines?.();
        await using stack = new AsyncDisposableStack();
        const crowd: { readonly peer: ScriptedPeer; readonly link: PeerLink }[] = [];
        while (crowd.length < CROWD) {
          const peer = stack.use(new ScriptedPeer({ ...place, ...(shared && crowd.length < TOGETHER && { engines: () => shared }) }));
          crowd.push({ peer, link: await peer.dial(place.address) });
        }
        const [repeater, babbler] = crowd as [(typeof crowd)[number], (typeof crowd)[number]];
        const again = context.topic('again');
        await using _again = await subscribe(context, bob, again);
        const repeated = await publishEnvelope(repeater.peer, again, utf8Bytes('again'), { issued: clock.now() });
        const ids = crowd.map(({ peer }) => peer.machineId as string);
        const listed = async (): Promise<number> => (await peersOf(bob, signal))?.filter((id) => ids.includes(id)).length ?? 0;
        await eventually('the crowd is linked', async () => (await listed()) === CROWD, ARRIVAL_LIMIT_MS);
        const linked = await listed();
        // Its links cost what links cost.
        const before = await memoryOf(bob);
        /** who shares the topic with bob, as he says */
        const around = async (): Promise<string[]> => {
          const { peer_scores } = (await bob.client.diagnostics.gossip()).pubsub_stages;
          return peer_scores.filter(({ topic }) => topic === audience.topic).map(({ peer_id }) => peer_id);
        };
        const together: number[] = [];
        const countOf = (around: readonly string[], some: readonly string[]): number => around.filter((id) => some.includes(id)).length;
        let said = 1;
        for (let round = 0; round < ROUNDS; round++) {
          for (const { peer, link } of crowd) {
            say(link, { kind: 'join' });
            say(link, { kind: 'neighbor_reply', accepted: true });
            say(link, { kind: 'topics', items: [{ kind: 'join', topic: audience.topic, asks: 3, known: false, away: 0 }] });
            const peers = Array.from({ length: INVENTED }, () => ({ machine: toHex(random.bytes(32)) as MachineId, addresses: ['127.0.0.1:1'] }));
            say(link, { kind: 'shuffle', hops: 0, path: [peer.machineId], peers });
          }
          for (let copy = 0; copy < COPIES && !repeater.link.isClosed; copy++) repeater.link.send({ kind: 'publish', envelope: repeated });
          for (let copy = 0; copy < GARBAGE && !babbler.link.isClosed; copy++) {
            babbler.link.send({ kind: 'publish', envelope: random.bytes(100) });
          }
          for (const node of nodes) await audience.say(node, [`honest ${++said}`]);
          await clock.sleep(ROUND_MS);
          together.push(countOf(await around(), ids.slice(0, TOGETHER)));
        }
        const few = async (): Promise<boolean> => countOf(await around(), ids) <= MOST_OF_CROWD;
        const [gone, cut] = await Promise.all([
          eventually('the guests are gone', few, GUESTS_GO_MS),
          eventually('those that repeat and babble are cut off', () => repeater.link.isClosed && babbler.link.isClosed, CUT_MS),
          audience.heard(nodes, said, 'all honest messages arrived', ARRIVAL_LIMIT_MS),
        ]);
        const accepted = crowd.filter(({ link }) => controlsOf(link).some((control) => control.kind === 'neighbor_reply' && control.accepted)).length;
        const view = record.observe(bob.name, 'overlay', 'view', {
          linked,
          accepted,
          together: Math.max(...together),
          neighbours: await around(),
        });
        const after = await memoryOf(bob);

        const options = { premise: claims.atLeast({ seq: view.seq, at: '/data/linked' }, CROWD) };
        claim('honest', 'overlay.uneclipsed', 'MUST', audience.exactlyOnce(nodes), options);
        const admitted = { premise: claims.atLeast({ seq: view.seq, at: '/data/accepted' }, 1) };
        claim('some', 'overlay.crowd', 'MUST', claims.atMost({ seq: gone.seq, at: '/data/ms' }, GUESTS_GO_MS, 'ms'), admitted);
        // Loopback is everybody's.
        if (shared) claim('share', 'overlay.crowd', 'MUST', claims.atMost({ seq: view.seq, at: '/data/together' }, SHARE_OF_HOST), admitted);
        for (const node of [alice, carol]) {
          claim(`stays/${node.name}`, 'overlay.crowd', 'MUST', claims.includes({ seq: view.seq, at: '/data/neighbours' }, node.machineId), options);
        }
        claim('repeated', 'overlay.repeats', 'MUST', claims.occurs(deliveries(again, { nodes: [bob] }), { atLeast: 1, atMost: 1 }));
        claim('cut', 'overlay.repeats', 'MUST', claims.atMost({ seq: cut.seq, at: '/data/ms' }, CUT_MS, 'ms'));
        if (before === undefined || after === undefined) return;
        const memory = record.observe(bob.name, 'overlay', 'memory', { before, after, grown: after - before });
        claim('flat', 'overlay.crowd-flat', 'MUST', claims.atMost({ seq: memory.seq, at: '/data/grown' }, MAX_GROWTH_BYTES, 'bytes'), options);
      },
    },
  },
);
