import { cardLink, CARD_LINK_PREFIX, signCard } from '../../src/card.ts';
import type { AgentCard, CardErrorCode } from '../../src/card.ts';
import { toBase64, toBase64url } from '../../src/bytes.ts';
import type { Crypto } from '../../src/crypto.ts';
import { idOfKey } from '../../src/ids.ts';
import type { AgentId } from '../../src/ids.ts';
import type { VectorFile } from '../vectors.ts';
import { keyOf, machineOf, NOW_S, text } from './common.ts';

export async function cardVectors(crypto: Crypto): Promise<VectorFile> {
  const key = keyOf(crypto, 1);
  const card: AgentCard = {
    display_name: 'Ada',
    agent_id: idOfKey<AgentId>(crypto, key.publicKey),
    machine_id: machineOf(crypto, 3),
    addresses: ['8.8.4.4:4000'],
    created_at: NOW_S,
    dm_capabilities: {
      max_protocol_version: 1,
      gossip_inbox: true,
      kem_algorithm: 'ML-KEM-768',
      max_envelope_bytes: 65_536,
      kem_public_key: [...crypto.kemKey(new Uint8Array(64).fill(5)).publicKey],
    },
  };
  const { dm_capabilities: _, ...small } = card;
  const signed = await signCard(crypto, key, small, NOW_S + 3_600);
  const other = keyOf(crypto, 2);
  const linkOf = (value: object) => CARD_LINK_PREFIX + toBase64url(text(JSON.stringify(value)));
  const valid = (what: string, link: string, isSigned: boolean) => ({ valid: true, what, signed: isSigned, agent_id: card.agent_id, link });
  const invalid = (what: string, reason: CardErrorCode, link: string, now = NOW_S) => ({ valid: false, what, reason, now, link });
  const { signature: _signature, ...unsigned } = signed;

  return {
    about: `Agent cards of the seed 01*32, judged at ${NOW_S} s (or the case's now). A card without signature and key is a hint.`,
    cases: [
      valid('signed', cardLink(signed), true),
      valid('signed, with direct-message capabilities', cardLink(await signCard(crypto, key, card, NOW_S + 3_600)), true),
      valid('signed, without the scheme', cardLink(signed).slice(CARD_LINK_PREFIX.length), true),
      valid('unsigned', linkOf(card), false),
      invalid('not base64url', 'malformed', 'x0x://agent/???'),
      invalid('not a JSON object', 'malformed', linkOf([])),
      invalid('signature removed, key left', 'malformed', linkOf(unsigned)),
      invalid('a short agent id', 'bad_id', linkOf({ ...signed, agent_id: 'ab' })),
      invalid("another agent's key", 'key_mismatch', linkOf({ ...signed, agent_public_key: toBase64(other.publicKey) })),
      invalid('another name', 'bad_signature', linkOf({ ...signed, display_name: 'Eve' })),
      invalid('another field', 'bad_signature', linkOf({ ...signed, mood: 'fine' })),
      invalid('expired for 1 s', 'expired', cardLink(signed), NOW_S + 3_601),
    ],
  };
}
