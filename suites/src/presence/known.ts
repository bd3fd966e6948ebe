import { at, type Claim, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { ARRIVAL_LIMIT_MS, arrival, keepContact, openStream, threeOf } from '../nodes.ts';
import { SEEN_UP_MS, told, untilSeen } from './looks.ts';

/** a search that finds nobody ends when all have answered, long before this */
const FRUITLESS = { ttl: 3, timeout_ms: 8_000 };
const FRUITLESS_MS = 4_000;

export const known = exercise(
  {
    'presence.listed': 'An agent that is online is so on every route, with its machine and addresses.',
    'presence.stream': 'A presence stream begins with everybody who is online.',
    'presence.unknown': 'Who was never heard of is not online, and a search for it ends without it before its time is up.',
    'presence.foaf': 'Friends of friends are told when they are known or trusted here, and nobody else.',
    'presence.blocked': 'A blocked agent is online on no route, and its stream event says that it went.',
  },
  {
    id: 'presence/known',
    title: 'who is online is told alike on every route, to those who may know',
    needs: {
      nodes: 3,
      capabilities: ['presence.agents', 'presence.online', 'presence.status', 'presence.find', 'presence.foaf', 'presence.events'],
    },
    phases: {
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob, carol] = threeOf(context);
        const must = (check: string, requirement: string, what: Claim, premise?: Claim): void =>
          claim(check, `presence.${requirement}`, 'MUST', what, premise && { premise });
        const [id, stranger] = [bob.agentId, toHex(context.random.bytes(32))];
        const all = await untilSeen(context, [alice, bob, carol], SEEN_UP_MS);
        const restore = await Promise.all([keepContact(context, alice, bob.agentId), keepContact(context, alice, carol.agentId)]);
        await need(alice.rest('contacts.setTrust', { agent_id: bob.agentId, level: 'known' }), 'alice knows bob');
        await need(alice.rest('contacts.setTrust', { agent_id: carol.agentId, level: 'unknown' }), 'alice does not know carol');

        const events = await openStream(context, alice, 'presence.events');
        const tells = (what: string) => (event: (typeof events.events)[number]['event']) => event.data.event === what && event.data.agent_id === id;
        await arrival(context, events, 'bob is online', tells('online'));
        const [ids, online, status, found, foaf, nobody, lost] = await Promise.all([
          alice.rest('presence.agents'),
          alice.rest('presence.online'),
          alice.rest('presence.status', { id }),
          alice.rest('presence.find', { id }),
          alice.rest('presence.foaf'),
          alice.rest('presence.status', { id: stranger }),
          alice.rest('presence.find', { id: stranger, ...FRUITLESS }),
        ]);

        const seen = claims.exists({ seq: all.seq, at: '/data/ms' });
        must('agents', 'listed', claims.includes(at(ids, '/output/agents'), id), seen);
        must('not-itself', 'listed', claims.excludes(at(ids, '/output/agents'), alice.agentId), seen);
        must('online', 'listed', claims.includes(at(online, '/output/agents'), id, '/agent_id'), seen);
        must('machine', 'listed', claims.includes(at(online, '/output/agents'), bob.machineId, '/machine_id'), seen);
        must('status', 'listed', claims.equals(at(status, '/output/online'), true), seen);
        must('addresses', 'listed', claims.matches(at(status, '/output/agent/addresses/0'), ':[1-9][0-9]*$'));
        must('found', 'listed', claims.equals(at(found, '/output/agent/agent_id'), id), seen);
        must('begins', 'stream', claims.occurs(told(alice, bob, 'online'), { atLeast: 1, atMost: 1 }), seen);
        must('stranger', 'unknown', claims.equals(at(nobody, '/output'), { value: { ok: true, online: false, agent: null } }));
        must('not-found', 'unknown', claims.equals(at(lost, '/output/agent'), null));
        must('ends', 'unknown', claims.elapsedAtMost({ op: lost.id, edge: 'invoke' }, { op: lost.id, edge: 'done' }, FRUITLESS_MS));
        must('friend', 'foaf', claims.includes(at(foaf, '/output/agents'), id, '/agent_id'), seen);
        must('no-friend', 'foaf', claims.excludes(at(foaf, '/output/agents'), carol.agentId, '/agent_id'), seen);

        await need(alice.rest('contacts.setTrust', { agent_id: id, level: 'blocked' }), 'alice blocks bob');
        await arrival(context, events, 'bob is gone', tells('offline'), ARRIVAL_LIMIT_MS);
        const after = await Promise.all([
          alice.rest('presence.agents'),
          alice.rest('presence.status', { id }),
          alice.rest('presence.find', { id, ttl: 1 }),
        ]);
        must('unlisted', 'blocked', claims.excludes(at(after[0], '/output/agents'), id), seen);
        must('untold', 'blocked', claims.equals(at(after[1], '/output'), { value: { ok: true, online: false, agent: null } }), seen);
        must('unfound', 'blocked', claims.equals(at(after[2], '/output/agent'), null), seen);
        must('event', 'blocked', claims.occurs(told(alice, bob, 'offline'), { atLeast: 1 }), seen);
        for (const each of restore) await each();
      },
    },
  },
);
