/** Bugs in how direct messages are sent and kept. */
import type { Saboteur } from './saboteur.ts';

const NO_REQUEST = '0'.repeat(32);

const acknowledgesRefused: Saboteur = {
  name: 'acknowledges-refused',
  plants: 'says of a direct message that it arrived, whatever its recipient said',
  node: 'alice',
  caughtBy: 'smoke/blocked/direct-refused',
  handlers: (handlers) => ({
    'direct.send': async (input, context) => {
      try {
        return await handlers['direct.send'](input, context);
      } catch {
        return { path: 'raw_quic_acked', retries_used: 0, request_id: NO_REQUEST, require_ack: null };
      }
    },
  }),
};

const ignoresLogicalIds: Saboteur = {
  name: 'ignores-logical-ids',
  plants: 'makes two messages of a message that was sent again under its logical id',
  node: 'alice',
  caughtBy: 'smoke/direct/logical-once',
  handlers: (handlers) => ({ 'direct.send': ({ logical_id: _, ...input }, context) => handlers['direct.send'](input as never, context) }),
};

const losesLoopback: Saboteur = {
  name: 'loses-notes-to-self',
  plants: 'acknowledges what an agent sends to itself, and keeps nothing',
  node: 'alice',
  caughtBy: 'smoke/direct/loopback-committed',
  handlers: (handlers) => ({
    'direct.send': async (input, context) => {
      const { agent_id } = (await handlers['identity.get']({}, context)) as { agent_id: string };
      if (input.agent_id !== agent_id) return handlers['direct.send'](input, context);
      return { path: 'loopback', retries_used: 0, request_id: NO_REQUEST, require_ack: null };
    },
  }),
};

const skipsInInbox: Saboteur = {
  name: 'skips-in-inbox',
  plants: 'gives with each page of its inbox a cursor that lies one message too far',
  node: 'bob',
  caughtBy: 'durability/pages/read',
  handlers: (handlers) => ({
    'direct.inbox': async (input, context) => {
      type Page = { messages: { cursor: string }[]; next: string | null };
      const page = (await handlers['direct.inbox'](input, context)) as Page;
      if (page.next === null) return page as never;
      const beyond = (await handlers['direct.inbox']({ after: page.next, limit: 1 }, context)) as Page;
      return { ...page, next: beyond.next ?? page.next } as never;
    },
  }),
};

export const directSaboteurs: readonly Saboteur[] = [acknowledgesRefused, ignoresLogicalIds, losesLoopback, skipsInInbox];
