/** A storm of statements that nobody made: who somebody is, where somebody is, what the next release is. */
import { announceEnvelope, inTheNameOf, placeOf, publishEnvelope, ScriptedPeer, withForgedSignature } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { ANNOUNCE_TOPIC, encodeDiscovery, fromBase64, utf8Bytes } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';
import { bystandersOf, unharmed } from './bystanders.ts';

const PEERS = 6;
const ROUNDS = 12;
/** where the compatible daemon is told of releases */
const RELEASES = 'x0x/release';
const ADDRESS = '203.0.113.7:5483';
/** ms between two rounds, so that the storm lasts */
const PAUSE_MS = 100;

export const forged = exercise(
  {
    ...bystandersOf('forged', 'a storm of forged manifests'),
    'isolation.forged.believed': 'Nobody believes a forged announcement: no address of it is known afterwards, and nobody at another machine.',
  },
  {
    id: 'isolation/forged',
    title: 'a storm of forged announcements and releases is believed by nobody, and costs others nothing',
    needs: {
      nodes: 2,
      powers: ['world', 'link'],
      capabilities: ['messaging.publish', 'direct.send', 'discovery.agent', 'discovery.agents', 'identity.sign'],
      exclusive: 'strangers storm it',
    },
    phases: {
      async drive(context) {
        const { claim, clock, need, record, signal } = context;
        const storm = { said: 0, cut: 0 };
        const [alice, bob] = twoOf(context);
        const { public_key_b64: victim } = await need(bob.rest('identity.sign', { payload_b64: '' }), 'bob tells his key');
        const place = await placeOf(alice);
        await using stack = new AsyncDisposableStack();
        const peers = Array.from({ length: PEERS }, () => stack.use(new ScriptedPeer(place)));
        // Made beforehand: what it costs to forge is not what it costs to be stormed.
        const forgeries = await Promise.all(peers.map((peer) => forgeriesOf(peer, fromBase64(victim), clock.now())));
        await unharmed(context, 'forged', async () => {
          const links = await Promise.all(peers.map((peer) => peer.dial(place.address)));
          for (let round = 0; round < ROUNDS; round++) {
            for (const [index, link] of links.entries()) {
              for (const envelope of forgeries[index]![round]!) {
                if (link.isClosed) break;
                link.send({ kind: 'publish', envelope });
                storm.said++;
              }
            }
            await clock.sleep(PAUSE_MS, signal);
          }
          storm.cut = links.filter(({ isClosed }) => isClosed).length;
        });
        const { seq } = record.observe('strangers', 'storm', 'done', storm);
        claim('storm', 'isolation.forged.whole', 'MUST', claims.atLeast({ seq, at: '/data/said' }, PEERS * 5), { blame: 'harness' });
        for (const node of context.nodes) {
          const known = await need(node.rest('discovery.agents'), `${node.name} lists the agents it knows`);
          const { seq: listed } = record.observe(node.name, 'storm', 'known', {
            believed: known.agents.filter(({ addresses }) => addresses.includes(ADDRESS)).length,
          });
          claim(`${node.name}/addresses`, 'isolation.forged.believed', 'MUST', claims.equals({ seq: listed, at: '/data/believed' }, 0));
        }
        const found = await alice.rest('discovery.agent', { agent_id: bob.agentId });
        claim('bob', 'isolation.forged.believed', 'MUST', claims.equals(at(found, '/output/agent/machine_id'), bob.machineId));
      },
    },
  },
);

/** Round by round an announcement with a broken signature, one in the name of somebody else, and a release of nobody's. */
async function forgeriesOf(peer: ScriptedPeer, victim: Uint8Array, issued: number): Promise<Uint8Array[][]> {
  const kemKey = peer.crypto.kemKey().publicKey;
  const moved = encodeDiscovery({ kind: 'announcement', machine: peer.machineId, kemKey, addresses: [ADDRESS], certificate: null });
  const rounds: Uint8Array[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const times = { issued: issued + round };
    const release = utf8Bytes(JSON.stringify({ schema_version: 1, version: `99.0.${round}`, assets: [] }));
    rounds.push([
      withForgedSignature(await announceEnvelope(peer, ANNOUNCE_TOPIC, moved, times)),
      await announceEnvelope(inTheNameOf(peer, victim), ANNOUNCE_TOPIC, moved, times),
      withForgedSignature(await publishEnvelope(peer, RELEASES, release, times)),
    ]);
  }
  return rounds;
}
