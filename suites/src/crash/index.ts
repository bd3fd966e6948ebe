import { checkHome, type LocalNode, type NodeHandle, scenario, type ScenarioContext, type Suite, suite } from '@muster/lab';
import { claims } from '@muster/proof';
import { untilLinked } from '../links/peers.ts';
import { Load } from './load.ts';
import { required } from './requirements.ts';
import { claimState, recordContacts } from './state.ts';

/** pairs work beside each other: most of a restart is waiting */
const PAIRS = 2;
const LINK_LIMIT_MS = 10_000;
const LOAD_LIMIT_MS = 20_000;
/** operations acknowledged before a kill: from this many on, up to so many more */
const LEAST_ACKNOWLEDGED = 12;
const MORE_ACKNOWLEDGED = 60;
/** one kill in so many is followed by another while the node starts, at any moment of this long */
const ALSO_STARTING = 4;
const STARTING_MS = 400;

/** `kills`: how often a node is killed, all nodes together. */
export function crash(kills: number): Suite {
  return suite({
    name: 'crash',
    title: `Killed under load, ${kills} times`,
    requirements: Object.values(required),
    scenarios: [
      scenario({
        id: 'crash/kills',
        title: 'nodes are killed under load again and again, and nothing that was acknowledged is missing',
        requirements: Object.values(required).map(({ id }) => id),
        needs: {
          nodes: 2 * PAIRS,
          powers: ['world', 'process', 'kill'],
          capabilities: ['direct.send', 'direct.inbox', 'contacts.add', 'contacts.setTrust', 'contacts.remove', 'contacts.revoke'],
        },
        limit: 60_000 + kills * 5_000,
        phases: {
          async drive(context) {
            const pairs = Array.from({ length: PAIRS }, (_, index) => context.nodes.slice(2 * index, 2 * index + 2) as [NodeHandle, NodeHandle]);
            await Promise.all(pairs.map((pair, index) => killAgainAndAgain(context, pair, Math.floor((kills + index) / PAIRS))));
          },
        },
      }),
    ],
  });
}

async function killAgainAndAgain(context: ScenarioContext, [victim, partner]: readonly [NodeHandle, NodeHandle], kills: number): Promise<void> {
  const { claim, random } = context;
  const before = await victim.rest('identity.get');
  const load = new Load(victim, partner, random);
  for (let kill = 1; kill <= kills; kill++) {
    const check = `${victim.name}/${kill}`;
    const linked = await untilLinked(context, victim, partner, LINK_LIMIT_MS);
    if (!linked.held)
      claim(`${check}/linked`, required.starts.id, 'MUST', claims.exists({ seq: linked.seq, at: '/data/ms' }), { title: 'it finds its peer again' });
    await killedOnce(context, victim, load, check);
    const [after, status] = await Promise.all([victim.rest('identity.get'), victim.rest('status.get')]);
    claim(`${check}/identity`, required.identity.id, 'MUST', claims.sameAnswer(before, after), { title: 'the ids are the same' });
    claim(`${check}/warnings`, required.starts.id, 'MUST', claims.equals({ op: status.id, at: '/output/warnings' }, { value: [] }), {
      title: 'it has nothing to complain of',
    });
    if (random.integer(ALSO_STARTING) === 0) await killedWhileStarting(context, victim, `${check}/starting`);
  }
  await untilLinked(context, victim, partner, LINK_LIMIT_MS);
  await recordContacts(context, victim, load.removals);
  await claimState(context, victim, partner);
}

async function killedOnce(context: ScenarioContext, victim: NodeHandle, load: Load, check: string): Promise<void> {
  const { claim, eventually, faults, random, record } = context;
  const enough = LEAST_ACKNOWLEDGED + random.integer(MORE_ACKNOWLEDGED);
  load.start();
  const loaded = await eventually('enough is acknowledged', () => load.acknowledged >= enough, LOAD_LIMIT_MS);
  const fault = await faults.kill(victim);
  await load.stop();
  const { seq } = record.observe(victim.name, 'home', 'after the kill', {
    acknowledged: load.acknowledged,
    ...(await checkHome(homeOf(victim).home)),
  });
  await fault.heal();
  const premise = claims.exists({ seq: loaded.seq, at: '/data/ms' });
  const options = { premise, needsFaults: [fault] };
  claim(`${check}/no-empty-file`, required.files.id, 'MUST', claims.equals({ seq, at: '/data/empty' }, { value: [] }), options);
  claim(`${check}/database`, required.files.id, 'MUST', claims.equals({ seq, at: '/data/databases/0/integrity' }, 'ok'), options);
}

async function killedWhileStarting(
  { claim, clock, eventually, random, record, signal }: ScenarioContext,
  victim: NodeHandle,
  check: string,
): Promise<void> {
  const local = homeOf(victim);
  await local.kill();
  const starting = local.start().then(
    () => true,
    () => false,
  );
  await eventually('there is a process', () => local.alive, LOAD_LIMIT_MS);
  const after = random.integer(STARTING_MS);
  await clock.sleep(after, signal);
  await local.kill();
  const answered = await starting;
  const { ms } = await local.start();
  const { seq } = record.observe(victim.name, 'process', 'killed while starting', { after, answered, boot_ms: Math.round(ms) });
  claim(check, required.starts.id, 'MUST', claims.exists({ seq, at: '/data/boot_ms' }), { title: 'killed while it was starting, it starts again' });
}

function homeOf({ name, target }: NodeHandle): LocalNode {
  if (!target.local) throw new Error(`${name} is no process of this lab`);
  return target.local;
}
