/** Who this agent is, and how others come to know it. */
import { z } from 'zod';
import { capability } from './capability.ts';
import { agentId, anyText, askingAgentId, base64, base64Text, count, hex64, seconds, signingContext, text, trustLevel } from './fields.ts';

const NO_SOCKET = { absent: 'sockets carry messages only' };

/** Largest payload that `/agent/sign` and `/agent/verify` take, in bytes. */
export const MAX_SIGNED_BYTES = 256 * 1024;

/** Keys of newer cards are kept: dropping one would break the card's signature. */
export const agentCard = z.looseObject({
  display_name: z.string(),
  agent_id: hex64(),
  machine_id: hex64(),
  user_id: hex64().optional(),
  addresses: z.array(z.string()),
  groups: z.array(z.object({ name: z.string(), invite_link: z.string() })).optional(),
  stores: z.array(z.object({ name: z.string(), topic: z.string() })).optional(),
  created_at: seconds(),
  dm_capabilities: z
    .object({
      max_protocol_version: z.int(),
      gossip_inbox: z.boolean(),
      kem_algorithm: z.string(),
      max_envelope_bytes: z.int(),
      kem_public_key: z.array(z.int().min(0).max(255)),
    })
    .optional(),
});

export const identity = {
  get: capability({
    name: 'identity.get',
    summary: 'The ids and the KEM key of this agent',
    method: 'GET',
    path: '/agent',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({ agent_id: hex64(), machine_id: hex64(), user_id: hex64().nullable(), kem_public_key_b64: base64Text() }),
    shape: 'object',
    status: [200],
    surfaces: { cli: { command: 'agent' }, client: true, ws: { absent: 'the `connected` frame names the agent' }, mcp: 'core' },
  }),
  announce: capability({
    name: 'identity.announce',
    summary: 'Announce this agent to the network now; the user only with consent',
    method: 'POST',
    path: '/announce',
    auth: 'bearer',
    body: 'strict-optional',
    input: z.object({
      include_user_identity: z.boolean().default(false).describe('disclose the user behind this agent'),
      human_consent: z.boolean().default(false).describe('that user agrees'),
    }),
    output: z.object({ include_user_identity: z.boolean() }),
    shape: 'object',
    status: [200],
    errors: [
      { status: 400, error: 'announcing the user identity needs human_consent: true', when: 'the user is disclosed without consent' },
      { status: 400, error: 'no user key: set user_key_path', when: 'the user is disclosed, but the daemon has no user key' },
    ],
    surfaces: {
      cli: { command: 'announce', options: { include_user_identity: 'include-user', human_consent: 'consent' } },
      client: true,
      ws: NO_SOCKET,
      mcp: 'more',
    },
  }),
  userId: capability({
    name: 'identity.userId',
    summary: 'The id of the user behind this agent, if there is one',
    method: 'GET',
    path: '/agent/user-id',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({ user_id: hex64().nullable() }),
    shape: 'object',
    status: [200],
    surfaces: { cli: { command: 'agent user-id' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  card: capability({
    name: 'identity.card',
    summary: 'A card and link that introduce this agent to others',
    method: 'GET',
    path: '/agent/card',
    auth: 'bearer',
    body: 'none',
    input: z.object({
      display_name: text(128, 'Alice').optional().describe('name shown on the card'),
      include_groups: z.boolean().optional().describe('invite to the groups of this agent as well'),
    }),
    output: z.object({ card: agentCard, link: z.string().startsWith('x0x://agent/') }),
    shape: 'object',
    status: [200],
    volatile: ['link', 'card.created_at', 'card.expires_at', 'card.signature', 'card.addresses'],
    surfaces: {
      cli: { command: 'agent card', arguments: [{ field: 'display_name', label: 'NAME', optional: true }] },
      client: true,
      ws: NO_SOCKET,
      mcp: 'core',
    },
  }),
  importCard: capability({
    name: 'identity.importCard',
    summary: 'Learn an agent from its card or link, and trust it so far',
    method: 'POST',
    path: '/agent/card/import',
    auth: 'bearer',
    body: 'json-prefix',
    input: z.object({ card: anyText('x0x://agent/e30'), trust_level: trustLevel().default('known') }),
    output: z.object({
      agent_id: hex64(),
      display_name: z.string(),
      trust_level: z.enum(['Blocked', 'Unknown', 'Known', 'Trusted']),
      groups: count(),
      stores: count(),
    }),
    shape: 'object',
    status: [200],
    errors: [
      { status: 400, error: 'invalid card: {}', when: 'not a link or base64url JSON card, or its signature or validity is wrong' },
      { status: 400, error: 'invalid agent_id in card', when: 'its agent_id is no id' },
    ],
    surfaces: {
      cli: { command: 'agent import', arguments: [{ field: 'card', label: 'CARD' }], options: { trust_level: 'trust' } },
      client: true,
      ws: NO_SOCKET,
      mcp: 'core',
    },
    example: { before: [{ call: 'identity.card', by: 'peer' }], input: { card: '$before.link' } },
  }),
  introduction: capability({
    name: 'identity.introduction',
    summary: 'What this agent tells another of itself, by how far it trusts it',
    method: 'GET',
    path: '/introduction',
    auth: 'bearer',
    body: 'none',
    input: z.object({ peer: askingAgentId().optional().describe('the agent that asks') }),
    output: z.object({
      agent_id: hex64(),
      machine_id: hex64().optional(),
      user_id: hex64().optional(),
      certificate: z.literal('(present)').optional(),
      display_name: z.string().nullable(),
      identity_words: z.string(),
      services: z.array(z.object({ name: z.string(), description: z.string(), min_trust: z.string() })),
      signature: z
        .string()
        .regex(/^[0-9a-f]{16}$/u)
        .optional(),
    }),
    shape: 'object',
    status: [200],
    errors: [{ status: 403, error: 'blocked', when: 'the asking agent is blocked' }],
    refusal: 'bare',
    volatile: ['signature'],
    surfaces: { cli: { command: 'agent introduction' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  sign: capability({
    name: 'identity.sign',
    summary: 'Sign bytes with the agent key, for one named purpose',
    method: 'POST',
    path: '/agent/sign',
    auth: 'bearer',
    body: 'json-prefix',
    input: z.object({ payload_b64: base64(), context: signingContext().optional().describe('purpose of the signature') }),
    output: z.object({
      agent_id: hex64(),
      public_key_b64: base64Text(),
      signature_b64: base64Text(),
      algorithm: z.string(),
      context: z.string().nullable(),
    }),
    shape: 'object',
    status: [200],
    errors: [{ status: 413, error: 'payload too large', when: `the payload exceeds ${MAX_SIGNED_BYTES} bytes` }],
    volatile: ['signature_b64'],
    surfaces: {
      cli: { command: 'agent sign', arguments: [{ field: 'payload_b64', label: 'TEXT', as: 'text' }] },
      client: true,
      ws: NO_SOCKET,
      mcp: 'more',
    },
  }),
  verify: capability({
    name: 'identity.verify',
    summary: 'Check a signature made by `agent sign`',
    method: 'POST',
    path: '/agent/verify',
    auth: 'bearer',
    body: 'json-prefix',
    input: z.object({
      payload_b64: base64(),
      signature_b64: base64(),
      public_key_b64: base64().optional(),
      agent_id: agentId().optional(),
      context: signingContext().optional().describe('purpose of the signature'),
      algorithm: text(64, 'x0x.agent-sign.v1.ml-dsa-65').optional(),
    }),
    output: z.object({
      valid: z.boolean(),
      agent_id: hex64(),
      algorithm: z.string(),
      /** why not, when not valid */
      reason: z.string().nullable(),
    }),
    shape: 'object',
    status: [200],
    errors: [
      { status: 400, error: 'public_key_b64 or agent_id is required', when: 'neither names whose signature it is' },
      { status: 400, error: 'unsupported algorithm: {}', when: 'the algorithm is another one' },
      { status: 404, error: 'agent key not known', when: 'only agent_id is given, and this daemon has never seen that key' },
      { status: 413, error: 'payload too large', when: `the payload exceeds ${MAX_SIGNED_BYTES} bytes` },
    ],
    surfaces: {
      cli: {
        command: 'agent verify',
        arguments: [
          { field: 'payload_b64', label: 'TEXT', as: 'text' },
          { field: 'signature_b64', label: 'SIGNATURE' },
        ],
        options: { public_key_b64: 'public-key' },
      },
      client: true,
      ws: NO_SOCKET,
      mcp: 'more',
    },
    example: {
      before: [{ call: 'identity.sign', input: { payload_b64: 'aGVsbG8=' } }],
      input: { payload_b64: 'aGVsbG8=', signature_b64: '$before.signature_b64', public_key_b64: '$before.public_key_b64' },
    },
  }),
};
