import { at, claims, observed } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { untilMeshed } from '../links/peers.ts';
import { arrival, openStream, twoOf } from '../nodes.ts';

/** ms in which two nodes are linked again after one was restarted */
const RELINKED_MS = 5_000;

export const lifecycle = exercise(
  {
    'peer.events': 'The end of a link and the next beginning are told as they happen, under the machine id of the peer.',
    'peer.events-live': 'Nothing from before the stream was opened is told on it.',
  },
  {
    id: 'network/lifecycle',
    title: 'the life of links is streamed',
    needs: { nodes: 2, capabilities: ['network.peerEvents'], powers: ['restart'] },
    phases: {
      async drive(context) {
        const { claim, faults } = context;
        const [alice, bob] = twoOf(context);
        await untilMeshed(context, [alice, bob], RELINKED_MS);
        const peers = await alice.rest('network.peers');
        const events = await openStream(context, alice, 'network.peerEvents');
        const tells = (kind: string) => (event: (typeof events.events)[number]['event']) =>
          event.data.peer_id === bob.machineId && event.data.event.startsWith(kind);
        const fault = await faults.restart(bob);
        await arrival(context, events, 'the end of the link', tells('Closed'), RELINKED_MS);
        await fault.heal();
        await arrival(context, events, 'a new link', tells('Established'), RELINKED_MS);
        const back = events.events.find(({ event }) => tells('Established')(event));

        const needsFaults = [fault];
        const ofBob = {
          nodes: [alice.name],
          stream: 'network.peerEvents',
          event: 'peer-lifecycle',
          where: [{ at: '/peer_id', equals: bob.machineId }],
        };
        const premise = claims.includes(at(peers, '/output/peers'), bob.machineId, '/id');
        const ends = claims.matches(observed(ofBob, '/event'), '^(Replaced|Closing|Closed) ');
        claim('first-is-the-end', 'peer.events-live', 'MUST', ends, { premise, needsFaults });
        claim('ended', 'peer.events', 'MUST', claims.occurs(ofBob, { atLeast: 2 }), { needsFaults });
        const began = back
          ? claims.matches({ seq: back.seq, at: '/data/event' }, '^Established \\{ generation: [0-9]+ \\}$')
          : claims.occurs({ ...ofBob, where: [...ofBob.where, { at: '/event', equals: 'Established' }] });
        claim('began', 'peer.events', 'MUST', began, { needsFaults });
      },
    },
  },
);
