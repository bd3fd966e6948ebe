import type { ScenarioContext } from '@muster/lab';
import { at, claims, observed } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { payloadOf, twoOf } from '../nodes.ts';
import { openSocket } from './recorded-socket.ts';

const frames = (event: string) => ({ stream: 'websocket.direct', event });

export const websocket = exercise(
  {
    'socket.connected': 'A new socket is told its session and the agent it belongs to, and is listed.',
    'socket.topics': 'A socket that subscribed gets what others publish, and nothing once it unsubscribed.',
    'socket.sends': 'What is published and sent through a socket arrives like anything else.',
    'socket.direct': 'A socket for direct messages gets them as they are committed.',
    'socket.mistakes': 'A frame that says nothing known is answered with an error, and the socket stays open.',
  },
  {
    id: 'smoke/websocket',
    title: 'topics and direct messages through a socket',
    needs: { nodes: 2, surfaces: ['ws'], capabilities: ['websocket.direct', 'websocket.sessions', 'messaging.publish', 'direct.send'] },
    phases: {
      async drive(context) {
        const { claim } = context;
        const [alice, bob] = twoOf(context);
        const topic = context.topic('socket');
        const [heard, said, late, direct] = ['heard', 'said', 'late', 'direct'].map((kind) => payloadOf(`${topic} ${kind}`)) as [string, string, string, string]; // prettier-ignore
        await using socket = await openSocket(context, bob, 'websocket.direct');
        await socket.frame('connected');
        const sessions = await bob.rest('websocket.sessions');
        claim('agent', 'socket.connected', 'MUST', claims.equals(observed(frames('connected'), '/agent_id'), bob.agentId));
        const session = claims.includes(at(sessions, '/output/sessions'), observed(frames('connected'), '/session_id'), '/session_id');
        claim('listed', 'socket.connected', 'MUST', session);

        socket.send({ type: 'subscribe', topics: [topic] });
        await socket.frame('subscribed');
        await alice.rest('messaging.publish', { topic, payload: heard });
        await socket.frame('message', ({ payload }) => payload === heard);
        socket.send({ type: 'publish', topic, payload: said });
        await socket.frame('message', ({ payload }) => payload === said);
        claim('hears', 'socket.topics', 'MUST', claims.occurs(message(heard), { atLeast: 1, atMost: 1 }));
        claim('names-sender', 'socket.topics', 'MUST', claims.equals(observed(message(heard), '/origin'), alice.agentId));
        claim('publishes', 'socket.sends', 'MUST', claims.equals(observed(message(said), '/origin'), bob.agentId));

        socket.send({ type: 'unsubscribe', topics: [topic] });
        await socket.frame('unsubscribed');
        await alice.rest('messaging.publish', { topic, payload: late });
        const sent = await alice.rest('direct.send', { agent_id: bob.agentId, payload: direct });
        await socket.frame('direct_message', ({ payload }) => payload === direct);
        claim('direct', 'socket.direct', 'MUST', claims.includes(observed(frames('direct_message'), '/payload'), at(sent, '/input/payload')));
        socket.send({ type: 'send_direct', agent_id: bob.agentId, payload: said });
        await socket.frame('direct_message', ({ payload }) => payload === said);
        const looped = { ...frames('direct_message'), where: [{ at: '/payload', equals: said }] };
        claim('sends', 'socket.sends', 'MUST', claims.equals(observed(looped, '/sender'), bob.agentId));
        await mistakes(context, socket);
        claim('hears-no-more', 'socket.topics', 'MUST', claims.never(message(late)), { premise: claims.occurs(frames('pong')) });
      },
    },
  },
);

function message(payload: string) {
  return { ...frames('message'), where: [{ at: '/payload', equals: payload }] };
}

async function mistakes({ claim }: ScenarioContext, socket: Awaited<ReturnType<typeof openSocket>>): Promise<void> {
  socket.sendText('{"type":"no_such_frame"}');
  await socket.frame('error');
  socket.send({ type: 'ping' });
  await socket.frame('pong');
  claim('refused', 'socket.mistakes', 'MUST', claims.occurs(frames('error'), { atLeast: 1, atMost: 1 }));
  claim('stays-open', 'socket.mistakes', 'MUST', claims.occurs(frames('pong')));
}
