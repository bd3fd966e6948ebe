/** Bugs in whom a node trusts, what it says of users, and which signatures it believes. */
import { CapabilityError } from '@muster/contract';
import type { Saboteur } from './saboteur.ts';
import { readings } from './wrappings.ts';

const misjudgesPinned: Saboteur = {
  name: 'misjudges-pinned',
  plants: 'accepts a pinned agent from any machine',
  node: 'alice',
  caughtBy: 'smoke/contacts/pinned/elsewhere',
  handlers: (handlers) => ({
    'trust.evaluate': async (input, context) => {
      const { decision } = (await handlers['trust.evaluate'](input, context)) as { decision: string };
      return { decision: decision === 'RejectMachineMismatch' ? 'AcceptWithFlag' : decision } as never;
    },
  }),
};

const forgivesRevoked: Saboteur = {
  name: 'forgives-revoked',
  plants: 'trusts a revoked agent again when it is told to',
  node: 'alice',
  caughtBy: 'smoke/contacts/stays-revoked',
  ports: (ports) => ({ ...ports, store: readings(ports.store, (key, value) => (key.startsWith('revocation/') ? undefined : value)) }),
};

const keepsRemoved: Saboteur = {
  name: 'keeps-removed',
  plants: 'says that it removed a contact, and goes on listing it',
  node: 'alice',
  caughtBy: 'smoke/contacts/unlists',
  handlers: (handlers) => {
    const removed = new Set<string>();
    return {
      'contacts.remove': (input, context) => {
        if (removed.has(input.agent_id)) return handlers['contacts.remove'](input, context);
        removed.add(input.agent_id);
        return {};
      },
    };
  },
};

const namesUserUnasked: Saboteur = {
  name: 'names-user-unasked',
  plants: 'takes the consent of the human for given',
  node: 'alice',
  caughtBy: 'discovery/line/no-consent',
  handlers: (handlers) => ({ 'identity.announce': (input, context) => handlers['identity.announce']({ ...input, human_consent: true }, context) }),
};

const findsUndisclosed: Saboteur = {
  name: 'finds-the-undisclosed',
  plants: 'finds by user whoever never told whose agent it is',
  node: 'carol',
  caughtBy: 'discovery/line/not-bob',
  handlers: (handlers) => ({
    'discovery.agentsByUser': async (input, context) => {
      const { agents } = (await handlers['discovery.agents']({ unfiltered: true }, context)) as { agents: object[] };
      return { user_id: input.user_id, agents: agents.map((agent) => ({ ...agent, user_id: input.user_id })) } as never;
    },
  }),
};

const verifiesAnything: Saboteur = {
  name: 'verifies-anything',
  plants: 'calls a signature good for whatever payload it is shown with',
  node: 'bob',
  caughtBy: 'smoke/signatures/other-payload',
  handlers: (handlers) => ({
    'identity.verify': async (input, context) => ({ ...((await handlers['identity.verify'](input, context)) as object), valid: true }) as never,
  }),
};

const introducesToBlocked: Saboteur = {
  name: 'introduces-itself-to-anybody',
  plants: 'introduces itself to blocked agents as to strangers',
  node: 'alice',
  caughtBy: 'smoke/introduction/blocked',
  handlers: (handlers) => ({
    'identity.introduction': async (input, context) => {
      try {
        return await handlers['identity.introduction'](input, context);
      } catch (error) {
        if (!(error instanceof CapabilityError)) throw error;
        return handlers['identity.introduction']({ peer: '0'.repeat(64) }, context);
      }
    },
  }),
};

const EVERY = 5;

const readsStale: Saboteur = {
  name: 'reads-stale',
  plants: 'answers one question in five for its contacts with what it answered last',
  node: 'alice',
  caughtBy: 'durability/register/one-order',
  handlers: (handlers) => {
    let asked = 0;
    let last: Awaited<ReturnType<(typeof handlers)['contacts.list']>> | undefined;
    return {
      'contacts.list': async (input, context) => {
        if (++asked % EVERY !== 0 || last === undefined) last = await handlers['contacts.list'](input, context);
        return last;
      },
    };
  },
};

const losesUpdates: Saboteur = {
  name: 'loses-updates',
  plants: 'says that it set how far an agent is trusted, and one time in five does not',
  node: 'alice',
  caughtBy: 'durability/register/one-order',
  handlers: (handlers) => {
    let asked = 0;
    return { 'contacts.setTrust': (input, context) => (++asked % EVERY === 0 ? {} : handlers['contacts.setTrust'](input, context)) };
  },
};

export const trustSaboteurs: readonly Saboteur[] = [
  misjudgesPinned,
  forgivesRevoked,
  keepsRemoved,
  namesUserUnasked,
  findsUndisclosed,
  verifiesAnything,
  introducesToBlocked,
  readsStale,
  losesUpdates,
];
