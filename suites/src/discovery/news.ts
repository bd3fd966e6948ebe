import { announceEnvelope, type EnvelopeAuthor, type PeerLink, placeOf, ScriptedPeer } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { ANNOUNCE_TOPIC, encodeDiscovery, idOfKey, type MachineId, toHex } from '@muster/protocol';
import { count, grew } from '../defence/counters.ts';
import { exercise } from '../exercise.ts';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, twoOf } from '../nodes.ts';
import { entryAt } from './looks.ts';

const FIRST = '8.8.8.8:1';
const OLDER = '8.8.8.8:2';
const MOVED = '8.8.8.8:3';
/** ms by which an older announcement is older */
const OLDER_MS = 5_000;

export const news = exercise(
  {
    'discovery.stale': 'An announcement that is older than what is known is neither kept nor passed on.',
    'discovery.pinned': 'An announcement from another machine than the pinned one is neither kept nor passed on.',
  },
  {
    id: 'discovery/news',
    title: 'old announcements, and those from a wrong machine, go nowhere',
    needs: {
      nodes: 2,
      // What is announced here are addresses of nobody: nodes in a line dial none of them.
      wiring: 'line',
      powers: ['link'],
      capabilities: ['discovery.agent', 'contacts.addMachine', 'status.metrics'],
    },
    phases: {
      async drive(context) {
        const { claim, eventually, need, clock } = context;
        const [alice, bob] = twoOf(context);
        await untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS);
        await using stranger = new ScriptedPeer(await placeOf(alice));
        const link = await stranger.dial((await placeOf(alice)).address);
        const agent_id = stranger.agentId;
        const now = clock.now();
        const [here, elsewhere] = [stranger.machineId, toHex(context.random.bytes(32)) as MachineId];
        const counted = { stale: 'announcements_refused_total{reason="stale"}', machine: 'announcements_refused_total{reason="machine"}' };
        const counts = (): Promise<unknown> => Promise.all([alice, bob].map((node) => count(context, node, counted)));
        await counts();

        await say(stranger, link, { machine: here, address: FIRST, issued: now });
        const told = async (address: string): Promise<boolean> => (await entryAt(bob, agent_id))?.addresses.includes(address) ?? false;
        const spread = await eventually('bob knows the stranger through alice', () => told(FIRST), ARRIVAL_LIMIT_MS);
        await say(stranger, link, { machine: here, address: OLDER, issued: now - OLDER_MS });
        await need(alice.rest('contacts.addMachine', { agent_id, machine_id: here, pinned: true }), 'alice pins the machine of the stranger');
        await say(stranger, link, { machine: elsewhere, address: MOVED, issued: now + 1 });
        // What comes after it over the same links tells when all before has been judged.
        const witness = { ...stranger, agentKey: stranger.crypto.signingKey() };
        await say(witness, link, { machine: here, address: FIRST, issued: now + 2 });
        const witnessed = async (): Promise<boolean> => (await entryAt(bob, idOfKey(stranger.crypto, witness.agentKey.publicKey))) !== undefined;
        const settled = await eventually('bob knows who spoke after the stranger', witnessed, ARRIVAL_LIMIT_MS);
        await counts();
        const [atAlice, atBob] = await Promise.all([alice.rest('discovery.agent', { agent_id }), bob.rest('discovery.agent', { agent_id })]);
        await need(alice.rest('contacts.remove', { agent_id }), 'the stranger is forgotten');

        const premise = claims.exists({ seq: settled.seq, at: '/data/ms' });
        const must = (check: string, requirement: string, title: string, what: Parameters<typeof claim>[3]): void =>
          claim(check, requirement, 'MUST', what, { title, premise });
        must('first', 'discovery.stale', 'the first announcement is passed on', claims.exists({ seq: spread.seq, at: '/data/ms' }));
        const addresses = '/output/agent/addresses';
        must('older-kept', 'discovery.stale', 'an older one is not kept', claims.excludes(at(atAlice, addresses), OLDER));
        must('older-passed', 'discovery.stale', 'an older one is not passed on', grew(bob, 'stale', 0));
        must('older-counted', 'discovery.stale', 'it is counted as stale', grew(alice, 'stale', 1));
        must('machine', 'discovery.pinned', 'the pinned machine stays', claims.equals(at(atAlice, '/output/agent/machine_id'), here));
        must('machine-kept', 'discovery.pinned', 'nothing of the other is kept', claims.excludes(at(atAlice, addresses), MOVED));
        must('machine-passed', 'discovery.pinned', 'nor passed on', claims.equals(at(atBob, '/output/agent/machine_id'), here));
        must('machine-counted', 'discovery.pinned', 'it is counted as of a wrong machine', grew(alice, 'machine', 1));
      },
    },
  },
);

/** An announcement over the stranger's link with alice. */
async function say(
  author: EnvelopeAuthor,
  link: PeerLink,
  { machine, address, issued }: { machine: MachineId; address: string; issued: number },
): Promise<void> {
  const kemKey = author.crypto.kemKey().publicKey;
  const payload = encodeDiscovery({ kind: 'announcement', machine, kemKey, addresses: [address], certificate: null });
  link.send({ kind: 'publish', envelope: await announceEnvelope(author, ANNOUNCE_TOPIC, payload, { issued }) });
}
