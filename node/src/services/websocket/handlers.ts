import { CapabilityError, decodeBase64, MAX_SOCKET_TOPICS } from '@muster/contract';
import type { Registry, SocketClientFrame } from '@muster/contract';
import { toBase64 } from '@muster/protocol';
import type { AgentId } from '@muster/protocol';
import { SLOW_CONSUMER } from '../../ports/handlers.ts';
import type { SocketSession } from '../../ports/handlers.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { DirectService } from '../direct/direct-service.ts';
import { shownMessage } from '../direct/handlers.ts';
import type { HandlersOf } from '../families.ts';
import type { PubSub } from '../messaging/pubsub.ts';

type PlainSocket = Registry['websocket.connect'];
type DirectSocket = Registry['websocket.direct'];

interface Session {
  readonly id: string;
  readonly topics: Map<string, Disposable>;
  readonly direct: boolean;
}

export interface SocketParts {
  readonly pubsub: PubSub;
  readonly direct: DirectService;
  readonly contacts: ContactStore;
  readonly self: AgentId;
  readonly counters: Counters;
}

export function websocketHandlers({ pubsub, direct, contacts, self, counters }: SocketParts): HandlersOf<'websocket'> {
  const sessions = new Map<string, Session>();

  const open = (socket: SocketSession<PlainSocket>, receivesDirect: boolean): Session => {
    const session: Session = { id: socket.id, topics: new Map(), direct: receivesDirect };
    sessions.set(session.id, session);
    socket.onClose((code) => {
      sessions.delete(session.id);
      if (code === SLOW_CONSUMER) counters.add('gossip_subscriber_closed_total', session.topics.size);
      for (const subscription of session.topics.values()) subscription[Symbol.dispose]();
    });
    socket.send({ type: 'connected', session_id: session.id, agent_id: self });
    socket.onFrame((frame) => handle(socket, session, frame));
    return session;
  };

  const handle = async (socket: SocketSession<PlainSocket>, session: Session, frame: SocketClientFrame): Promise<void> => {
    switch (frame.type) {
      case 'subscribe': {
        const fresh = new Set(frame.topics.filter((topic) => !session.topics.has(topic)));
        if (session.topics.size + fresh.size > MAX_SOCKET_TOPICS)
          throw new CapabilityError(400, `too many topics: at most ${MAX_SOCKET_TOPICS} per socket`);
        for (const topic of fresh) {
          session.topics.set(
            topic,
            pubsub.subscribe(topic, ({ payload, sender }) => socket.send({ type: 'message', topic, payload: toBase64(payload), origin: sender }), {
              missed: (count) => socket.send({ type: 'missed', topic, count }),
            }),
          );
        }
        return socket.send({ type: 'subscribed', topics: frame.topics });
      }
      case 'unsubscribe':
        for (const topic of frame.topics) {
          session.topics.get(topic)?.[Symbol.dispose]();
          session.topics.delete(topic);
        }
        return socket.send({ type: 'unsubscribed', topics: frame.topics });
      case 'publish':
        return pubsub.publish(frame.topic, bytesOf(frame.payload));
      case 'send_direct': {
        const agent = frame.agent_id as AgentId;
        if (contacts.blocked(agent)) throw new CapabilityError(403, 'agent is blocked');
        const payload = bytesOf(frame.payload);
        await direct.send(agent, payload).catch((error: unknown) => {
          if (!(error instanceof CapabilityError)) throw error;
          throw new CapabilityError(error.status, `send failed: ${error.message}`);
        });
      }
    }
  };

  return {
    'websocket.connect': (socket) => void open(socket, false),
    'websocket.direct': (socket: SocketSession<DirectSocket>) => {
      open(socket, true);
      const listener = direct.onMessage((message) => socket.send({ type: 'direct_message', ...shownMessage(message) }));
      socket.onClose(() => listener[Symbol.dispose]());
    },
    'websocket.sessions': () => {
      const shared: Record<string, number> = {};
      for (const session of sessions.values()) for (const topic of session.topics.keys()) shared[topic] = (shared[topic] ?? 0) + 1;
      return {
        sessions: [...sessions.values()].map(({ id, topics, direct: receives }) => ({
          session_id: id,
          subscribed_topics: [...topics.keys()],
          receives_direct: receives,
        })),
        shared_subscriptions: shared,
      };
    },
  };
}

/** Sockets say it without naming a cause, as the compatible API does. */
function bytesOf(payload: string): Uint8Array {
  try {
    return decodeBase64('payload', payload);
  } catch {
    throw new CapabilityError(400, 'invalid base64 in payload');
  }
}
