/** A storm of statements that nobody made: who somebody is, where somebody is, what the next release is. */
import { announceEnvelope, inTheNameOf, placeOf, publishEnvelope, type ScenarioContext, ScriptedPeer, withForgedSignature } from '@muster/lab'; // prettier-ignore
import { at, claims } from '@muster/proof';
import { ANNOUNCE_TOPIC, encodeDiscovery, fromBase64, toBase64, utf8Bytes } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { deliveries, subscribe, twoOf } from '../nodes.ts';
import { bystandersOf, LIMIT_MS, unharmed } from './bystanders.ts';

/** strangers at a time: whoever is cut off comes back as somebody else */
const STRANGERS = 4;
/** rounds of three forgeries that there are; then they begin anew */
const ROUNDS = 60;
/** that one stranger says before it looks whether anybody still listens */
const VOLLEY = 12;
/** ms between two volleys */
const PAUSE_MS = 400;
/** forgeries a second that are a storm: a third of what strangers say that are let in at once */
const STORM = (STRANGERS * VOLLEY * 1_000) / PAUSE_MS / 3;
/** where the compatible daemon is told of releases */
const RELEASES = 'x0x/release';
const ADDRESS = '203.0.113.7:5483';

type Place = Awaited<ReturnType<typeof placeOf>>;

export const forged = exercise(
  {
    ...bystandersOf('forged', 'a storm of forged manifests'),
    'isolation.forged.believed':
      'Nobody believes a forged statement: no address of it is known afterwards, nobody at another machine, and no release is delivered.',
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
    limit: LIMIT_MS,
    phases: {
      async drive(context) {
        const { claim, clock, need, record } = context;
        const storm: Storm = { said: 0, came: 0, cut: 0, refused: 0 };
        const [alice, bob] = twoOf(context);
        const { public_key_b64: victim } = await need(bob.rest('identity.sign', { payload_b64: '' }), 'bob tells his key');
        const place = await placeOf(alice);
        await using stack = new AsyncDisposableStack();
        for (const node of context.nodes) stack.use(await subscribe(context, node, RELEASES));
        // Made beforehand: what it costs to forge is not what it costs to be stormed.
        const { said, honest, releases } = await thingsToSay(stack.use(new ScriptedPeer(place)), fromBase64(victim), clock.now());
        const { offered } = await unharmed(context, 'forged', async (_, { over, struck }) => {
          const worker = async (): Promise<void> => {
            while (!over.aborted) await volley(context, place, said, storm, struck);
          };
          await Promise.all(Array.from({ length: STRANGERS }, worker));
        });
        const { seq } = record.observe('strangers', 'storm', 'done', storm);
        claim('storm', 'isolation.forged.whole', 'MUST', claims.atLeast({ seq, at: '/data/said' }, Math.floor(STORM * offered.seconds)), {
          blame: 'harness',
        });
        for (const node of context.nodes) {
          const known = await need(node.rest('discovery.agents'), `${node.name} lists the agents it knows`);
          const { seq: listed } = record.observe(node.name, 'storm', 'known', {
            believed: known.agents.filter(({ addresses }) => addresses.includes(ADDRESS)).length,
          });
          claim(`${node.name}/addresses`, 'isolation.forged.believed', 'MUST', claims.equals({ seq: listed, at: '/data/believed' }, 0));
        }
        const found = await alice.rest('discovery.agent', { agent_id: bob.agentId });
        claim('bob', 'isolation.forged.believed', 'MUST', claims.equals(at(found, '/output/agent/machine_id'), bob.machineId));
        for (const node of context.nodes) {
          const delivered = deliveries(RELEASES, { nodes: [node] });
          const forgedOnes = { ...delivered, where: [...delivered.where!, { at: '/data/payload', in: releases }] };
          // One that is signed as it should be comes the same way, and is delivered.
          const premise = claims.occurs(deliveries(RELEASES, { nodes: [node], payload: honest }));
          claim(`${node.name}/releases`, 'isolation.forged.believed', 'MUST', claims.never(forgedOnes), { premise });
        }
      },
    },
  },
);

/** What came of it. */
type Storm = Record<'said' | 'came' | 'cut' | 'refused', number>;

/** A stranger comes, says what it can until it is cut off, and is gone. */
async function volley(
  { clock, signal }: ScenarioContext,
  place: Place,
  said: readonly Uint8Array[],
  storm: Storm,
  struck: () => void,
): Promise<void> {
  await using peer = new ScriptedPeer(place);
  // A node may refuse strangers, or not come to answer them.
  const link = await peer.dial(place.address).catch(() => undefined);
  storm[link ? 'came' : 'refused']++;
  for (let n = 0; n < VOLLEY; n++) {
    if (!link || link.isClosed) break;
    link.send({ kind: 'publish', envelope: said[storm.said++ % said.length]! });
    struck();
  }
  await clock.sleep(PAUSE_MS, signal);
  if (link?.isClosed) storm.cut++;
}

interface ToSay {
  /** envelopes */
  readonly said: readonly Uint8Array[];
  /** payload of the one release that its author signed */
  readonly honest: string;
  /** payloads of the others */
  readonly releases: string[];
}

/** A release of its own; then, round by round, an announcement with a broken signature, one in the name of somebody else, and a release of nobody's. */
async function thingsToSay(peer: ScriptedPeer, victim: Uint8Array, issued: number): Promise<ToSay> {
  const kemKey = peer.crypto.kemKey().publicKey;
  const moved = encodeDiscovery({ kind: 'announcement', machine: peer.machineId, kemKey, addresses: [ADDRESS], certificate: null });
  const releaseOf = (version: string): Uint8Array => utf8Bytes(JSON.stringify({ schema_version: 1, version, assets: [] }));
  const honest = releaseOf('98.0.0');
  const releases = Array.from({ length: ROUNDS }, (_, round) => releaseOf(`99.0.${round}`));
  const said = [await publishEnvelope(peer, RELEASES, honest, { issued })];
  for (const [round, release] of releases.entries()) {
    const times = { issued: issued + round };
    said.push(
      withForgedSignature(await announceEnvelope(peer, ANNOUNCE_TOPIC, moved, times)),
      await announceEnvelope(inTheNameOf(peer, victim), ANNOUNCE_TOPIC, moved, times),
      withForgedSignature(await publishEnvelope(peer, RELEASES, release, times)),
    );
  }
  return { said, honest: toBase64(honest), releases: releases.map((release) => toBase64(release)) };
}
