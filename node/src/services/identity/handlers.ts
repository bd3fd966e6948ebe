import { CapabilityError } from '@muster/contract';
import {
  camelCase,
  CardError,
  cardLink,
  fromBase64,
  identityWords,
  idOfKey,
  isPubliclyRoutable,
  MAX_DIRECT_ENVELOPE_BYTES,
  readCard,
  setLabel,
  setTrust,
  SIGN_SCHEME,
  signAsAgent,
  signCard,
  SigningError,
  toBase64,
  toHex,
  utf8Bytes,
  verifyAgentSignature,
} from '@muster/protocol';
import type { AgentCard, AgentId } from '@muster/protocol';
import type { Clock, Crypto } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { HandlersOf } from '../families.ts';
import type { KnownPeers } from '../peers/known-peers.ts';
import type { Announcements } from './announcements.ts';
import type { LocalIdentity } from './local-identity.ts';

const CARD_VALID_SECS = 30 * 86_400;

/** what this agent offers, from which level of trust on */
const SERVICES = [
  { name: 'presence', description: 'Whether this agent is online', min_trust: 'unknown' },
  { name: 'direct-message', description: 'Signed messages, acknowledged once committed', min_trust: 'known' },
  { name: 'mls-group', description: 'Membership in encrypted groups', min_trust: 'known' },
  { name: 'file-transfer', description: 'Files, offered and accepted', min_trust: 'trusted' },
  { name: 'payment', description: 'Requests for payment', min_trust: 'trusted' },
] as const;
const RANK = { unknown: 0, known: 1, trusted: 2 } as const;

export interface IdentityParts {
  readonly identity: LocalIdentity;
  readonly contacts: ContactStore;
  readonly peers: KnownPeers;
  readonly announcements: Announcements;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly displayName: string;
  readonly addresses: () => readonly string[];
}

export function identityHandlers(parts: IdentityParts): HandlersOf<'identity'> {
  const { identity, contacts, peers, announcements, crypto, clock } = parts;
  const seconds = (): number => Math.floor(clock.now() / 1_000);
  return {
    'identity.get': () => ({
      agent_id: identity.agentId,
      machine_id: identity.machineId,
      user_id: identity.user?.id ?? null,
      kem_public_key_b64: toBase64(identity.kemKey.publicKey),
    }),
    'identity.userId': () => ({ user_id: identity.user?.id ?? null }),
    'identity.announce': async (input) => {
      if (input.include_user_identity && !input.human_consent)
        throw new CapabilityError(400, 'announcing the user identity needs human_consent: true');
      if (input.include_user_identity && !identity.user) throw new CapabilityError(400, 'no user key: set user_key_path');
      await announcements.announce(input.include_user_identity);
      return { include_user_identity: input.include_user_identity };
    },
    'identity.card': async (input) => {
      const card: AgentCard = {
        display_name: input.display_name ?? parts.displayName,
        agent_id: identity.agentId,
        machine_id: identity.machineId,
        addresses: parts.addresses().filter(isPubliclyRoutable),
        created_at: seconds(),
        dm_capabilities: {
          max_protocol_version: 1,
          gossip_inbox: true,
          kem_algorithm: 'ML-KEM-768',
          max_envelope_bytes: MAX_DIRECT_ENVELOPE_BYTES,
          kem_public_key: [...identity.kemKey.publicKey],
        },
      };
      const signed = await signCard(crypto, identity.agentKey, card, card.created_at + CARD_VALID_SECS);
      // The schema's types are mutable arrays; the card is made for this answer alone.
      return { card: structuredClone(signed) as never, link: cardLink(signed) };
    },
    'identity.importCard': async (input) => {
      const read = await readCard(crypto, input.card, seconds()).catch((error: unknown) => {
        if (!(error instanceof CardError)) throw error;
        throw new CapabilityError(400, error.code === 'bad_id' ? 'invalid agent_id in card' : `invalid card: ${error.message}`);
      });
      const { card } = read;
      const agent = card.agent_id;
      if (agent === identity.agentId) throw new CapabilityError(400, "invalid card: it is this agent's own");
      contacts.update(agent, (standing, now) => setLabel(setTrust(standing, input.trust_level, now), card.display_name, now));
      // What nobody signed is a hint: addresses to try, never a key to believe, nor another machine than the one that the agent itself named.
      const keys = read.signed ? { agentKey: fromBase64(read.card.agent_public_key), ...kemOf(card) } : {};
      const before = peers.get(agent);
      if (read.signed || !before?.agentKey || before.machine === card.machine_id)
        peers.learn(agent, card.machine_id, { addresses: card.addresses, ...keys });
      const level = contacts.standing(agent).contact!.trust;
      return {
        agent_id: agent,
        display_name: card.display_name,
        trust_level: camelCase(level) as 'Blocked' | 'Unknown' | 'Known' | 'Trusted',
        groups: card.groups?.length ?? 0,
        stores: card.stores?.length ?? 0,
      };
    },
    'identity.introduction': async (input) => {
      const level = input.peer === undefined ? 'trusted' : (contacts.standing(input.peer as AgentId).contact?.trust ?? 'unknown');
      if (level === 'blocked' || (input.peer !== undefined && contacts.blocked(input.peer as AgentId))) throw new CapabilityError(403, 'blocked');
      const services = SERVICES.filter((service) => RANK[service.min_trust] <= RANK[level]).map((service) => ({ ...service }));
      const shown = {
        agent_id: identity.agentId,
        display_name: null,
        identity_words: identityWords(identity.agentId, level === 'unknown' ? undefined : identity.user?.id),
        services,
      };
      if (level === 'unknown') return shown;
      const signature = await signAsAgent(crypto, identity.agentKey, utf8Bytes(JSON.stringify(shown)), 'x0x.introduction.v1');
      return {
        ...shown,
        machine_id: identity.machineId,
        ...(identity.user && { user_id: identity.user.id, certificate: '(present)' as const }),
        signature: toHex(signature.subarray(0, 8)),
      };
    },
    'identity.sign': async (input) => {
      const signature = await signing(() => signAsAgent(crypto, identity.agentKey, fromBase64(input.payload_b64), input.context));
      return {
        agent_id: identity.agentId,
        public_key_b64: toBase64(identity.agentKey.publicKey),
        signature_b64: toBase64(signature),
        algorithm: SIGN_SCHEME,
        context: input.context ?? null,
      };
    },
    'identity.verify': async (input) => {
      if (input.algorithm !== undefined && input.algorithm !== SIGN_SCHEME)
        throw new CapabilityError(400, `unsupported algorithm: ${input.algorithm}`);
      const named = input.agent_id as AgentId | undefined;
      const key = input.public_key_b64 === undefined ? keyOf(named) : fromBase64(input.public_key_b64);
      const agent = idOfKey<AgentId>(crypto, key);
      if (named !== undefined && named !== agent)
        return { valid: false, agent_id: named, algorithm: SIGN_SCHEME, reason: 'public_key_b64 is not the key of agent_id' };
      const valid = await signing(() =>
        verifyAgentSignature(crypto, key, fromBase64(input.payload_b64), fromBase64(input.signature_b64), input.context),
      );
      return {
        valid,
        agent_id: agent,
        algorithm: SIGN_SCHEME,
        reason: valid ? null : 'the signature is not of this key over this payload and context',
      };
    },
  };

  function keyOf(agent: AgentId | undefined): Uint8Array {
    if (agent === undefined) throw new CapabilityError(400, 'public_key_b64 or agent_id is required');
    if (agent === identity.agentId) return identity.agentKey.publicKey;
    const key = peers.get(agent)?.agentKey;
    if (!key) throw new CapabilityError(404, 'agent key not known');
    return fromBase64(key);
  }
}

async function signing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SigningError)) throw error;
    throw error.code === 'payload_too_large'
      ? new CapabilityError(413, `payload too large: ${error.message}`)
      : new CapabilityError(400, `invalid context: ${error.message}`);
  }
}

function kemOf(card: AgentCard): { kemKey?: Uint8Array } {
  return card.dm_capabilities ? { kemKey: Uint8Array.from(card.dm_capabilities.kem_public_key) } : {};
}
