import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { endOfLine } from '../links/company.ts';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, threeOf } from '../nodes.ts';
import { entryAt } from './looks.ts';

/** ms in which an announcement is known, and in which a late joiner has heard a heartbeat of 5 s */
const KNOWN_MS = 10_000;
const CONFIG = { heartbeat_interval_secs: 5 } as const;
/** ms that an answer from the cache may take on a busy machine */
const AT_ONCE_MS = 1_000;
/** in which what an agent says when it joins, and when it is told to, has become too old to be told to those who come: only heartbeats are left */
const OLD_MS = 14_000;
/** a search that finds nobody: three stages, of which two ask the network */
const SEARCH_MS = 12_000;

export const line = exercise(
  {
    'discovery.announced': 'An agent that announces itself is listed within 10 s by a node that it has no link with.',
    'discovery.late': 'A node that joins late lists an agent with a heartbeat of 5 s within 10 s, without a link to it.',
    'discovery.cached': 'An agent in the cache is found at once, with its addresses.',
    'discovery.user': 'Agents of a user are found by nodes without a link to them once the user agreed to be named, and only then.',
    'discovery.nobody': 'An agent that is nowhere is not found, after all stages were tried.',
    'discovery.no-link': 'With bootstrap peers only, nodes that know each other through a third do not link.',
  },
  {
    id: 'discovery/line',
    title: 'agents without a link to each other are known, also to those that join late',
    needs: {
      nodes: 3,
      wiring: 'line',
      powers: ['world'],
      human: true,
      config: CONFIG,
      capabilities: ['discovery.agents', 'discovery.agent', 'discovery.find', 'discovery.agentsByUser', 'identity.announce', 'identity.userId'],
    },
    phases: {
      async drive(context) {
        const { claim, clock, eventually, need, record } = context;
        const [alice, bob, carol] = threeOf(context);
        const begun = clock.monotonic();
        await Promise.all([untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS), untilLinked(context, bob, carol, ARRIVAL_LIMIT_MS)]);
        const nobody = carol.rest('discovery.find', { agent_id: toHex(context.random.bytes(32)) }, { timeout: SEARCH_MS });

        await need(alice.rest('identity.announce'), 'alice announces itself');
        const lists = (node: NodeHandle): Promise<boolean> => entryAt(node, alice.agentId).then(Boolean);
        const listed = await eventually('carol lists alice', () => lists(carol), KNOWN_MS);
        const { user_id } = await need(alice.rest('identity.userId'), 'alice has a user');
        const before = await carol.rest('discovery.agent', { agent_id: alice.agentId });
        const refused = await alice.rest('identity.announce', { include_user_identity: true });
        await need(alice.rest('identity.announce', { include_user_identity: true, human_consent: true }), 'alice discloses its user');
        const disclosed = async (): Promise<boolean> => (await entryAt(carol, alice.agentId))?.user_id === user_id;
        const told = await eventually('carol knows the user of alice', disclosed, KNOWN_MS);
        const byUser = await carol.rest('discovery.agentsByUser', { user_id: user_id! });
        const ofBob = await carol.rest('discovery.agent', { agent_id: bob.agentId });

        await eventually('all of that is long ago', () => clock.monotonic() - begun > OLD_MS, 2 * OLD_MS);
        const late = await joinLate(context, alice, carol, lists);
        const cached = await carol.rest('discovery.find', { agent_id: bob.agentId });
        const ofLate = await late.dave.rest('discovery.agent', { agent_id: alice.agentId });
        const [atCarol, atAlice, atDave] = await Promise.all([carol, alice, late.dave].map((node) => node.rest('network.peers')));
        const ends = record.observe('lab', 'line', 'ends', { alice: alice.machineId, carol: carol.machineId });
        await late[Symbol.asyncDispose]();
        const lost = await nobody;

        const premise = claims.excludes(at(atCarol!, '/output/peers'), alice.machineId, '/id');
        const must = (check: string, requirement: string, what: Parameters<typeof claim>[3], given = premise): void =>
          claim(check, requirement, 'MUST', what, { premise: given });
        must('apart/carol', 'discovery.no-link', premise, claims.exists({ seq: ends.seq, at: '/data' }));
        must('apart/alice', 'discovery.no-link', claims.excludes(at(atAlice!, '/output/peers'), carol.machineId, '/id'));
        must('announced', 'discovery.announced', claims.atMost({ seq: listed.seq, at: '/data/ms' }, KNOWN_MS, 'ms'));
        must('undisclosed', 'discovery.user', claims.equals(at(before, '/output/agent/user_id'), null));
        must('no-consent', 'discovery.user', claims.status(refused, 400));
        must('disclosed', 'discovery.user', claims.exists({ seq: told.seq, at: '/data/ms' }));
        must('by-user', 'discovery.user', claims.includes(at(byUser, '/output/agents'), alice.agentId, '/agent_id'));
        must('user', 'discovery.user', claims.includes(at(byUser, '/output/agents'), user_id, '/user_id'));
        must('not-bob', 'discovery.user', claims.excludes(at(byUser, '/output/agents'), bob.agentId, '/agent_id'));
        must('bob-undisclosed', 'discovery.user', claims.equals(at(ofBob, '/output/agent/user_id'), null));
        must('cached', 'discovery.cached', claims.matches(at(cached, '/output/addresses/0'), ':[1-9][0-9]*$'));
        must('at-once', 'discovery.cached', claims.elapsedAtMost({ op: cached.id, edge: 'invoke' }, { op: cached.id, edge: 'done' }, AT_ONCE_MS));
        const apartFromDave = claims.excludes(at(atDave!, '/output/peers'), alice.machineId, '/id');
        must('late', 'discovery.late', claims.elapsedAtMost({ seq: late.up }, { seq: late.heard }, KNOWN_MS), apartFromDave);
        must('late-listed', 'discovery.late', claims.exists({ seq: late.heard, at: '/data/ms' }), apartFromDave);
        must('late-found', 'discovery.late', claims.equals(at(late.found, '/output/found'), true), apartFromDave);
        must('late-user', 'discovery.user', claims.equals(at(ofLate, '/output/agent/user_id'), user_id), apartFromDave);
        must('nobody', 'discovery.nobody', claims.equals(at(lost, '/output/found'), false));
        must('nobody-tried', 'discovery.nobody', claims.equals(at(lost, '/output/tried'), { value: ['cache', 'shard', 'rendezvous'] }));
      },
    },
  },
);

/** A fourth node at the end of the line, from when it answers until it has heard of the agent at the other end. */
async function joinLate(context: ScenarioContext, first: NodeHandle, last: NodeHandle, lists: (node: NodeHandle) => Promise<boolean>) {
  const company = await endOfLine(context, last, 'dave', CONFIG);
  const [dave] = company.nodes as [NodeHandle];
  const up = context.record.observe(dave.name, 'lab', 'answers', { machine_id: dave.machineId });
  await untilLinked(context, last, dave, ARRIVAL_LIMIT_MS);
  // Not asked for before it is heard of: an answer would make it known, too.
  const heard = await context.eventually('dave lists alice', () => lists(dave), KNOWN_MS);
  const found = await dave.rest('discovery.find', { agent_id: first.agentId });
  return { dave, up: up.seq, heard: heard.seq, found, [Symbol.asyncDispose]: () => company[Symbol.asyncDispose]() };
}
