import type { NodeHandle } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { endOfLine } from '../links/company.ts';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, countersOf, threeOf } from '../nodes.ts';
import { entryAt } from './looks.ts';

const TTL_SECS = 3;
/** nothing is heard by heartbeat while the scenario runs */
const CONFIG = { heartbeat_interval_secs: 120, identity_ttl_secs: TTL_SECS } as const;
/** for a time to live that is counted in whole seconds, on a busy machine */
const GRACE_MS = 3_000;
/** in which an agent has left its record, and the keepers have it */
const KEPT_MS = 10_000;
/** in which join announcements are over */
const QUIET_MS = 3_500;

export const away = exercise(
  {
    'discovery.expiry': 'An agent that is silent for longer than identity_ttl_secs is no longer among those heard of lately.',
    'discovery.shard': 'An agent that a node never heard of answers on its shard, across other nodes.',
    'discovery.rendezvous': 'An agent that has gone is found by the record that it left, by a node that never heard of it.',
  },
  {
    id: 'discovery/away',
    title: 'who is silent is forgotten; who is asked for answers; who has gone is found by what it left',
    needs: {
      nodes: 3,
      wiring: 'line',
      powers: ['world', 'kill'],
      config: CONFIG,
      capabilities: ['discovery.agents', 'discovery.find', 'network.peers', 'status.metrics'],
    },
    phases: {
      async drive(context) {
        const { claim, clock, eventually, faults } = context;
        const [alice, bob, carol] = threeOf(context);
        const begun = clock.monotonic();
        await Promise.all([untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS), untilLinked(context, bob, carol, ARRIVAL_LIMIT_MS)]);
        const kept = async (node: NodeHandle): Promise<boolean> => ((await countersOf(node)).get('rendezvous_records') ?? 0) >= 2;
        await eventually('the records of the others are kept', async () => (await kept(bob)) && (await kept(carol)), KEPT_MS);
        const known = await eventually('carol lists alice', () => entryAt(carol, alice.agentId).then(Boolean), KEPT_MS);
        await eventually('nobody announces itself any more', () => clock.monotonic() - begun > QUIET_MS, QUIET_MS + GRACE_MS);
        const [atAlice, atCarol] = await Promise.all([alice.rest('network.peers'), carol.rest('network.peers')]);

        const gone = await faults.kill(alice);
        const forgets = eventually('carol lists alice no more', async () => !(await entryAt(carol, alice.agentId)), TTL_SECS * 1_000 + GRACE_MS);
        await using company = await endOfLine(context, carol, 'erin', CONFIG);
        const [erin] = company.nodes as [NodeHandle];
        await untilLinked(context, carol, erin, ARRIVAL_LIMIT_MS);
        const [onShard, met, forgotten] = await Promise.all([
          erin.rest('discovery.find', { agent_id: bob.agentId }),
          erin.rest('discovery.find', { agent_id: alice.agentId }),
          forgets,
        ]);
        const [lately, ever, ofErin] = await Promise.all([
          carol.rest('discovery.agents'),
          carol.rest('discovery.agents', { unfiltered: true }),
          erin.rest('network.peers'),
        ]);

        const apart = claims.excludes(at(atCarol, '/output/peers'), alice.machineId, '/id');
        claim('expired', 'discovery.expiry', 'MUST', claims.exists({ seq: forgotten.seq, at: '/data/ms' }), {
          title: 'a silent agent leaves the list in time',
          premise: claims.exists({ seq: known.seq, at: '/data/ms' }),
        });
        claim('gone', 'discovery.expiry', 'MUST', claims.excludes(at(lately, '/output/agents'), alice.agentId, '/agent_id'), { premise: apart });
        claim('remembered', 'discovery.expiry', 'MUST', claims.includes(at(ever, '/output/agents'), alice.agentId, '/agent_id'), {
          title: 'it stays in the whole list',
          premise: apart,
        });
        const strangers = claims.excludes(at(ofErin, '/output/peers'), bob.machineId, '/id');
        claim('answers', 'discovery.shard', 'MUST', claims.equals(at(onShard, '/output/found'), true), { premise: strangers });
        claim('on-shard', 'discovery.shard', 'MUST', claims.equals(at(onShard, '/output/tried'), { value: ['cache', 'shard'] }), {
          premise: strangers,
        });
        const options = { needsFaults: [gone], premise: claims.excludes(at(atAlice, '/output/peers'), carol.machineId, '/id') };
        claim('met', 'discovery.rendezvous', 'MUST', claims.equals(at(met, '/output/found'), true), options);
        claim('at-rendezvous', 'discovery.rendezvous', 'MUST', claims.equals(at(met, '/output/tried'), { value: ['cache', 'shard', 'rendezvous'] }), options); // prettier-ignore
      },
    },
  },
);
