import { concat } from '../../src/bytes.ts';
import type { Crypto } from '../../src/crypto.ts';
import { encodeDirectBody, payloadDigest } from '../../src/direct.ts';
import { encodeStrict } from '../../src/encoding.ts';
import { bulkFrames, encodeFrame, LANE_BULK, LANE_CONTROL } from '../../src/frames.ts';
import { idOfKey, parseAgentId, parseMachineId, parseUserId } from '../../src/ids.ts';
import { agentSignedBytes } from '../../src/signing.ts';
import { addMachine, evaluateTrust, pin, revoke, setTrust, TRUST_LEVELS } from '../../src/trust.ts';
import type { Standing } from '../../src/trust.ts';
import { identityWords } from '../../src/words.ts';
import type { Vault, VectorFile } from '../vectors.ts';
import { flipped, hex, keyOf, text } from './common.ts';

export function idVectors(crypto: Crypto): VectorFile {
  const derived = [0, 1, 2, 255].map((byte) => {
    const { seed, publicKey } = keyOf(crypto, byte);
    return { valid: true, seed: hex(seed), public_key: hex(publicKey), id: idOfKey(crypto, publicKey) };
  });
  const refused: [string, string][] = [
    ['', 'wrong_length'],
    ['ab'.repeat(31), 'wrong_length'],
    ['ab'.repeat(33), 'wrong_length'],
    ['ab'.repeat(31) + 'a', 'odd_length'],
    ['ab'.repeat(31) + 'zz', 'bad_character'],
  ];
  return {
    about: 'ML-DSA-65 key pairs from seeds, and ids: SHA-256 of the raw public key. Then texts that are no id.',
    cases: [...derived, ...refused.map(([id, reason]) => ({ valid: false, id, reason }))],
  };
}

export function wordVectors(): VectorFile {
  const ids = ['00'.repeat(32), 'ff'.repeat(32), '0123456789ab'.padEnd(64, '0')];
  const four = ids.map((id) => ({ agent_id: id, user_id: null, words: identityWords(parseAgentId(id)) }));
  const [agent, user] = [parseAgentId(ids[2]!), parseUserId(ids[1]!)];
  return {
    about: "Display words: 11 bits each from the id's first 44 bits, BIP-39 English list.",
    cases: [...four, { agent_id: agent, user_id: user, words: identityWords(agent, user) }],
  };
}

export function kemVectors(vault: Vault): VectorFile {
  const { crypto } = vault;
  const cases = [5, 6].flatMap((byte) => {
    const key = crypto.kemKey(new Uint8Array(64).fill(byte));
    const ciphertext = vault.ciphertext(key.publicKey);
    const fact = (bytes: Uint8Array, what: string) => ({ what, ciphertext: hex(bytes), secret: hex(crypto.decapsulate(key, bytes)) });
    const common = { seed: hex(key.seed), public_key: hex(key.publicKey) };
    return [
      { ...common, ...fact(ciphertext, 'made for this key') },
      { ...common, ...fact(flipped(ciphertext, 0), 'one bit changed: an unrelated secret, no error (implicit rejection)') },
    ];
  });
  return { about: 'ML-KEM-768: decapsulate only.', cases };
}

export function frameVectors(): VectorFile {
  const frames = [
    { lane: LANE_CONTROL, type: 2, body: text('12345678') },
    { lane: LANE_CONTROL, type: 4, body: text('shutting down') },
    { lane: LANE_BULK, type: 1, body: concat(Uint8Array.of(0, 0, 0, 9, 1), text('whole message')) },
    { lane: 7, type: 200, body: new Uint8Array() },
  ];
  const readable = frames.map(({ lane, type, body }) => ({ lane, type, body: hex(body) }));
  const refuse = (what: string, reason: string, ...bodies: string[]) => ({ valid: false, what, reason, bulk_bodies: bodies });
  const long = new Uint8Array(70_000).map((_, index) => index % 251);
  return {
    about: 'Frames of a link: a stream and what it decodes to, however it is cut; a bulk message and its fragments; what is refused.',
    cases: [
      { valid: true, stream: hex(concat(...frames.map(encodeFrame))), frames: readable },
      {
        valid: true,
        message_type: 1,
        message_id: 9,
        message_bytes: 'index mod 251',
        message_length: long.length,
        frame_lengths: [...bulkFrames(1, 9, long)].map((f) => f.length),
      },
      { valid: false, what: 'a body of 65,537 bytes', reason: 'oversize', stream: '000100010001' },
      refuse('no fragment header', 'bad_fragment', '00000001'),
      refuse('flags 2', 'bad_fragment', '0000000102'),
      refuse('not full and not the last', 'bad_fragment', '000000010061'),
    ],
  };
}

export function trustVectors(): VectorFile {
  const agent = parseAgentId('aa'.repeat(32));
  const [home, other] = [parseMachineId('01'.repeat(32)), parseMachineId('02'.repeat(32))];
  const judge = (what: string, standing: Standing) =>
    [home, other].map((machine) => ({
      what,
      revoked: standing.revocation !== undefined,
      trust_level: standing.contact?.trust ?? null,
      identity_type: standing.contact?.identity ?? null,
      pinned: standing.contact?.machines.filter((record) => record.pinned).map((record) => record.machine) ?? [],
      machine_id: machine,
      decision: evaluateTrust(standing, machine),
    }));
  const pinned = (standing: Standing) => pin(addMachine(standing, home, 0), home);
  return {
    about: 'What an agent known in such a way is allowed from a machine; the first rule that matches wins.',
    cases: [
      ...judge('a stranger', { agent }),
      ...TRUST_LEVELS.flatMap((level) => judge(level, setTrust({ agent }, level, 0))),
      ...TRUST_LEVELS.flatMap((level) => judge(`${level} and pinned`, pinned(setTrust({ agent }, level, 0)))),
      ...judge('revoked', revoke(setTrust({ agent }, 'trusted', 0), { reason: 'lost', timestamp: 0, revoker: null }, 0)),
      ...judge('revoked, then trusted', setTrust(revoke({ agent }, { reason: 'lost', timestamp: 0, revoker: null }, 0), 'trusted', 0)),
    ],
  };
}

export function directVectors(crypto: Crypto): VectorFile {
  const requestId = new Uint8Array(16).fill(3);
  const make = (payload: Uint8Array, logicalId?: string) => ({
    valid: true,
    request_id: hex(requestId),
    logical_id: logicalId ?? null,
    payload: hex(payload),
    digest: payloadDigest(crypto, payload),
    body: hex(encodeDirectBody({ requestId, logicalId, payload })),
  });
  const refuse = (what: string, reason: string, value: unknown) => ({ valid: false, what, reason, body: hex(encodeStrict(value)) });
  return {
    about: 'Bodies of direct messages, [request id, logical id or null, payload], and the trace digest: first 16 hex of BLAKE3(payload).',
    cases: [
      make(text('hello')),
      make(text('hello'), 'order-17'),
      make(new Uint8Array()),
      refuse('a request id of 15 bytes', 'bad_shape', [new Uint8Array(15), null, text('hello')]),
      refuse('an empty logical id', 'bad_shape', [requestId, '', text('hello')]),
      refuse('a logical id of 129 bytes', 'bad_shape', [requestId, 'x'.repeat(129), text('hello')]),
      refuse('a payload of text', 'bad_shape', [requestId, null, 'hello']),
      { valid: false, what: 'not CBOR', reason: 'malformed', body: 'ff' },
    ],
  };
}

export async function signingVectors(crypto: Crypto): Promise<VectorFile> {
  const key = keyOf(crypto, 1);
  const payload = text('minutes');
  const make = async (context: string | undefined) => {
    const signed = agentSignedBytes(payload, context);
    const signature = hex(await crypto.sign(key, signed));
    return { valid: true, context: context ?? null, payload: hex(payload), signed_bytes: hex(signed), public_key: hex(key.publicKey), signature };
  };
  const plain = await make(undefined);
  const refused = ['', 'a\0b', 'muster-envelope-v1', 'x0x-agent-cert-v1', 'x'.repeat(256)];
  return {
    about: 'Detached signatures of an agent: context || NUL || payload; without a context, x0x.agent-sign.v1.',
    cases: [
      plain,
      await make('board.v1'),
      { ...plain, valid: false, what: 'another context', reason: 'bad_signature', context: 'board.v1' },
      { ...plain, valid: false, what: 'another payload', reason: 'bad_signature', payload: hex(text('hours')) },
      ...refused.map((context) => ({ valid: false, what: 'a context that is not allowed', reason: 'bad_context', context })),
    ],
  };
}
