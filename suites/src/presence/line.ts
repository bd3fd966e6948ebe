import { at, type Claim, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { endOfLine } from '../links/company.ts';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, openStream, threeOf } from '../nodes.ts';
import { SEEN_UP_MS, told, untilSeen, untilUnseen, within } from './looks.ts';

/** nothing depends on the next regular beacon while the scenario runs: 180 s of silence would be no reason to doubt anybody */
const CONFIG = { presence_beacon_interval_secs: 60 } as const;
/** ms in which an agent whose links broke is seen down: its neighbours ask it six times */
const DOWN_MS = 12_000;
/** ms in which one that leaves in order is seen down */
const LEFT_MS = 2_000;
/** ms between two looks of a stream for who fell silent */
const LOOK_MS = 1_000;
/** for a busy machine: it is the claim that decides */
const PATIENCE_MS = 20_000;

export const line = exercise(
  {
    'presence.up': 'An agent that comes up, or comes back, is seen up within 5 s by everybody, and sees everybody, with or without a link.',
    'presence.down': 'An agent that is killed is seen down within 12 s of that by everybody, with or without a link, however rare its beacons are.',
    'presence.left': 'An agent that ends in order is seen down within 2 s by everybody.',
    'presence.true':
      'The stream of presence never tells for more than 5 s that an agent is gone which is there, nor for more than 12 s, and the second between two looks of the stream, that one is there which is gone.',
    'presence.remembered': 'What is known of an agent that went is told, as of one that is offline.',
  },
  {
    id: 'presence/line',
    title: 'agents are seen coming, going and coming back by those who have no link with them',
    needs: {
      nodes: 3,
      wiring: 'line',
      config: CONFIG,
      powers: ['kill', 'restart'],
      capabilities: ['presence.status', 'presence.events', 'network.peers'],
    },
    phases: {
      async drive(context) {
        const { claim, faults, record } = context;
        const [alice, bob, carol] = threeOf(context);
        await Promise.all([untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS), untilLinked(context, bob, carol, ARRIVAL_LIMIT_MS)]);
        const linked = record.observe('lab', 'line', 'linked', { alice: alice.agentId, carol: carol.agentId });
        const all = await untilSeen(context, [alice, bob, carol], PATIENCE_MS);
        const [atAlice, atCarol] = await Promise.all([alice.rest('network.peers'), carol.rest('network.peers')]);
        const events = await openStream(context, alice, 'presence.events');
        // A stream looks once a second for who fell silent: nobody comes back before it has.
        const hears = (times: number) => {
          const offline = () => events.events.filter(({ event }) => event.data.event === 'offline' && event.data.agent_id === carol.agentId);
          return context.eventually('the stream of alice says so', () => offline().length >= times, ARRIVAL_LIMIT_MS);
        };

        const company = await endOfLine(context, carol, 'dave', CONFIG);
        const dave = company.nodes[0]!;
        const late = record.observe(dave.name, 'lab', 'answers', { agent_id: dave.agentId });
        const everyone = await untilSeen(context, [alice, bob, carol, dave], PATIENCE_MS);
        await company[Symbol.asyncDispose]();

        const killed = await faults.kill(carol);
        const down = await untilUnseen(context, [alice, bob], carol, PATIENCE_MS);
        const status = await alice.rest('presence.status', { id: carol.agentId });
        const gone = await alice.rest('presence.agents');
        await hears(1);
        await killed.heal();
        const back = await untilSeen(context, [alice, bob, carol], PATIENCE_MS);

        const ended = await faults.restart(carol);
        const left = await untilUnseen(context, [alice, bob], carol, PATIENCE_MS);
        await hears(2);
        await ended.heal();
        const again = await untilSeen(context, [alice, bob, carol], PATIENCE_MS);
        const online = await alice.rest('presence.status', { id: carol.agentId });

        const apart = claims.excludes(at(atAlice, '/output/peers'), carol.machineId, '/id');
        const must = (check: string, requirement: string, what: Claim, fault?: typeof killed): void =>
          claim(check, `presence.${requirement}`, 'MUST', what, { premise: apart, ...(fault && { needsFaults: [fault] }) });
        must('start', 'up', claims.elapsedAtMost({ seq: linked.seq }, { seq: all.seq }, SEEN_UP_MS));
        must('apart', 'up', claims.excludes(at(atCarol, '/output/peers'), alice.machineId, '/id'));
        must('late', 'up', claims.elapsedAtMost({ seq: late.seq }, { seq: everyone.seq }, SEEN_UP_MS));
        must('late-seen', 'up', claims.exists({ seq: everyone.seq, at: '/data/ms' }));
        must('down', 'down', within(DOWN_MS, killed, 'applied', down), killed);
        must('down-seen', 'down', claims.exists({ seq: down.seq, at: '/data/ms' }), killed);
        must('down-status', 'down', claims.equals(at(status, '/output/online'), false), killed);
        must('down-list', 'down', claims.excludes(at(gone, '/output/agents'), carol.agentId), killed);
        must('down-event', 'down', claims.occurs(told(alice, carol, 'offline'), { atLeast: 1 }), killed);
        must('remembered', 'remembered', claims.equals(at(status, '/output/agent/machine_id'), carol.machineId), killed);
        must('back', 'up', within(SEEN_UP_MS, killed, 'healed', back), killed);
        must('back-seen', 'up', claims.exists({ seq: back.seq, at: '/data/ms' }), killed);
        must('left', 'left', within(LEFT_MS, ended, 'applied', left), ended);
        must('left-seen', 'left', claims.exists({ seq: left.seq, at: '/data/ms' }), ended);
        must('again', 'up', within(SEEN_UP_MS, ended, 'healed', again), ended);
        must('again-status', 'up', claims.equals(at(online, '/output/online'), true), ended);
        const stands = claims.presenceTrue({
          reports: { nodes: [alice.name], stream: 'presence.events', event: 'presence' },
          subject: '/agent_id',
          state: '/event',
          online: ['online'],
          downs: ['kill', 'restart'],
          within: DOWN_MS + LOOK_MS,
          upWithin: SEEN_UP_MS,
          stands: true,
        });
        must('true', 'true', stands, ended);
        must('events', 'down', claims.occurs(told(alice, carol, 'offline'), { atLeast: 2, atMost: 2 }), ended);
      },
    },
  },
);
