/** Bugs in how a node announces itself, and in what it keeps of others. */
import { type AgentId, ANNOUNCE_TOPIC, CARD_LINK_PREFIX, cardLink, encodeStrict, fromBase64, fromHex, setTrust } from '@muster/protocol';
import type { Saboteur } from './saboteur.ts';
import { rows } from './wrappings.ts';

const regossipsStale: Saboteur = {
  name: 're-gossips-stale',
  plants: 'forgets how new the last announcement of an agent was: keeps older ones and passes them on',
  node: 'alice',
  caughtBy: 'discovery/news/older-passed',
  services: ({ peers }) => {
    peers.issued = () => undefined;
  },
};

const ignoresPinning: Saboteur = {
  name: 'ignores-pinning',
  plants: 'takes announcements from other machines than the pinned one',
  node: 'alice',
  caughtBy: 'discovery/news/machine-kept',
  ports: (ports) => rows(ports, 'contact/', (row) => (row['identity'] === 'pinned' ? { ...row, identity: 'known' } : row)),
};

const neverExpires: Saboteur = {
  name: 'never-expires-cache',
  plants: 'takes everybody it ever heard of for somebody heard of just now',
  node: 'carol',
  caughtBy: 'discovery/away/gone',
  ports: (ports) => rows(ports, 'peer/', (row) => ('announcedAt' in row ? { ...row, announcedAt: Math.floor(ports.clock.now() / 1_000) } : row)),
};

const leaksAddresses: Saboteur = {
  name: 'leaks-lan-addresses',
  plants: 'announces the addresses that only mean something on its own host or LAN',
  node: 'alice',
  daemons: 'its scenario is about the addresses of this host',
  caughtBy: 'discovery/privacy/announced',
  handlers: (handlers, { links, pubsub }) => ({
    'identity.announce': async (input, context) => {
      const { machine_id, kem_public_key_b64 } = (await handlers['identity.get']({}, context)) as { machine_id: string; kem_public_key_b64: string };
      const addresses = links.listener ? [links.listener.address] : [];
      await pubsub.publish(ANNOUNCE_TOPIC, encodeStrict([0, fromHex(machine_id), fromBase64(kem_public_key_b64), addresses, null]), 'announce');
      return { include_user_identity: input.include_user_identity };
    },
  }),
};

const servesExpiredCard: Saboteur = {
  name: 'serves-expired-card',
  plants: 'gives a card that expired before it was made',
  node: 'alice',
  caughtBy: 'smoke/card/imports',
  handlers: (handlers) => ({
    'identity.card': async (input, context) => {
      const { card } = (await handlers['identity.card'](input, context)) as { card: { created_at: number } };
      const expired = { ...card, expires_at: card.created_at - 1 };
      return { card: expired as never, link: `x0x://agent/${Buffer.from(JSON.stringify(expired)).toString('base64url')}` };
    },
  }),
};

const cardsForEver: Saboteur = {
  name: 'cards-for-ever',
  plants: 'gives cards that do not say until when they hold',
  node: 'alice',
  caughtBy: 'smoke/card/expires',
  handlers: (handlers) => ({
    'identity.card': async (input, context) => {
      const { card } = (await handlers['identity.card'](input, context)) as { card: { expires_at?: number } };
      delete card.expires_at;
      return { card: card as never, link: cardLink(card as never) };
    },
  }),
};

const takesExpiredCards: Saboteur = {
  name: 'takes-expired-cards',
  plants: 'takes cards that expired as if they held',
  node: 'alice',
  caughtBy: 'defence/cards/expired',
  handlers: (handlers, { contacts }) => ({
    'identity.importCard': async (input, context) => {
      try {
        return await handlers['identity.importCard'](input, context);
      } catch (error) {
        if (!(error instanceof Error && error.message.includes('expired'))) throw error;
        const card = JSON.parse(Buffer.from(input.card.slice(CARD_LINK_PREFIX.length), 'base64url').toString()) as { agent_id: AgentId };
        contacts.update(card.agent_id, (standing, now) => setTrust(standing, input.trust_level, now));
        return { agent_id: card.agent_id, display_name: '', trust_level: 'Known', groups: 0, stores: 0 };
      }
    },
  }),
};

export const discoverySaboteurs: readonly Saboteur[] = [
  regossipsStale,
  ignoresPinning,
  neverExpires,
  leaksAddresses,
  servesExpiredCard,
  cardsForEver,
  takesExpiredCards,
];
