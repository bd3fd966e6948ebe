import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { makeVectors, openVault } from '../scripts/vectors.ts';
import { NETWORK, NOW_MS, NOW_S } from '../scripts/vectors/common.ts';
import { fromHex, toHex } from './bytes.ts';
import { readCard } from './card.ts';
import { decodeDirectBody, payloadDigest } from './direct.ts';
import { identityTopic, rendezvousShard, rendezvousTopic } from './discovery.ts';
import { openEnvelope } from './envelope.ts';
import { decodeLetter, inboxTopic, letterMachine } from './letter.ts';
import { openBox } from './sealed-box.ts';
import { bulkFrames, FrameDecoder, LANE_BULK, Reassembler } from './frames.ts';
import type { Frame } from './frames.ts';
import { readHello } from './hello.ts';
import { idOfKey, parseAgentId, parseMachineId, parseNetworkId } from './ids.ts';
import { verifyRendezvousRecord } from './rendezvous-record.ts';
import { verifyAgentSignature } from './signing.ts';
import { evaluateTrust } from './trust.ts';
import type { IdentityType, TrustLevel } from './trust.ts';
import { decodeUserCertificate, verifyUserCertificate } from './user-certificate.ts';
import { matchesWords } from './words.ts';

const folder = new URL('../../vectors/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { cases: never[] };
type Case = { valid: boolean; what: string; reason: string };
/** Every case of a file. */
function casesOf<Fields>(name: string): (Fields & Case)[] {
  return read(name).cases;
}
const idOf = (byte: number) => crypto.sha256(crypto.signingKey(new Uint8Array(32).fill(byte)).publicKey);
const codeOf = (error: unknown) => (error as { code?: string }).code ?? error;

/** The stable code that `act` fails with, or `accepted`. */
async function outcomeOf(act: () => unknown): Promise<unknown> {
  try {
    await act();
    return 'accepted';
  } catch (error) {
    return codeOf(error);
  }
}

describe('the vectors', () => {
  test('are those that the script makes: nothing drifts', async () => {
    const made = await makeVectors(crypto, openVault(crypto, read('stored.json')));
    expect(
      readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .sort(),
    ).toEqual([...made.keys()].sort());
    const drifted = [...made].filter(([name, content]) => readFileSync(new URL(name, folder), 'utf8') !== `${JSON.stringify(content, null, 2)}\n`);
    expect(drifted.map(([name]) => name)).toEqual([]);
  });

  test('have a reason for every case that is refused', () => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'stored.json');
    const refused = names.flatMap((name) => casesOf(name)).filter((one) => one.valid === false);
    expect(refused.length).toBeGreaterThan(60);
    for (const one of refused) expect(one.reason).toMatch(/^[a-z_]+$/);
  });

  test('of ids: keys from seeds', async () => {
    for (const one of casesOf<{ seed: string; public_key: string; id: string }>('ids.json')) {
      if (!one.valid) {
        expect(await outcomeOf(() => parseAgentId(one.id))).toBe(one.reason);
        continue;
      }
      const { publicKey } = crypto.signingKey(fromHex(one.seed));
      expect(toHex(publicKey)).toBe(one.public_key);
      expect(idOfKey(crypto, publicKey)).toBe(one.id);
    }
  });

  test('of words', () => {
    for (const { agent_id, user_id, words } of casesOf<{ agent_id: string; user_id: string | null; words: string }>('words.json')) {
      expect(matchesWords(words, parseAgentId(agent_id), (user_id ?? undefined) as never)).toBe(true);
    }
  });

  test('of envelopes: stored signatures hold', async () => {
    const limits = { network: NETWORK, maxBytes: 16_384, kinds: ['publish', 'direct'] };
    for (const one of casesOf<{ wire: string; now?: number; id: string; payload: string; sender: string; nonce: string }>('envelope.json')) {
      const open = () => openEnvelope(crypto, fromHex(one.wire), { ...limits, now: one.now ?? NOW_MS });
      expect([one.what, await outcomeOf(open)]).toEqual([one.what, one.valid ? 'accepted' : one.reason]);
      if (!one.valid) continue;
      const { id, payload, sender, header } = await open();
      expect({ id, sender, payload: toHex(payload), nonce: toHex(header.nonce) }).toEqual({
        id: one.id,
        sender: one.sender,
        payload: one.payload,
        nonce: one.nonce,
      });
    }
  });

  test('of hellos', async () => {
    const [peerMachine, ownMachine] = [parseMachineId(toHex(idOf(3))), parseMachineId(toHex(idOf(4)))];
    const session = { exporter: new Uint8Array(32).fill(7), initiator: false, ownMachine, peerMachine };
    for (const one of casesOf<{ hello: string; agent_id: string; user_id: string | null }>('hello.json')) {
      const open = () => readHello(crypto, fromHex(one.hello), NETWORK, session);
      expect([one.what, await outcomeOf(open)]).toEqual([one.what, one.valid ? 'accepted' : one.reason]);
      if (one.valid) expect(await open()).toMatchObject({ agent: one.agent_id, version: 1, ...(one.user_id && { user: one.user_id }) });
    }
  });

  test("of users' certificates", async () => {
    const agentKey = crypto.signingKey(new Uint8Array(32).fill(1)).publicKey;
    for (const one of casesOf<{ certificate: string; user_id: string }>('user-certificate.json')) {
      const open = async () => verifyUserCertificate(crypto, decodeUserCertificate(fromHex(one.certificate)), agentKey);
      expect([one.what, await outcomeOf(open)]).toEqual([one.what, one.valid ? 'accepted' : one.reason]);
      if (one.valid) expect(await open()).toBe(one.user_id);
    }
  });

  test('of cards', async () => {
    for (const one of casesOf<{ link: string; signed: boolean; now?: number; agent_id: string }>('card.json')) {
      const open = () => readCard(crypto, one.link, one.now ?? NOW_S);
      expect([one.what, await outcomeOf(open)]).toEqual([one.what, one.valid ? 'accepted' : one.reason]);
      if (one.valid) expect(await open()).toMatchObject({ signed: one.signed, card: { agent_id: one.agent_id } });
    }
  });

  test('of rendezvous records', async () => {
    for (const one of casesOf<{ record: string; now: number; agent_id: string; addresses: string[] }>('rendezvous.json')) {
      const read = () => verifyRendezvousRecord(crypto, fromHex(one.record), { now: one.now, network: NETWORK });
      expect([one.what, await outcomeOf(read)]).toEqual([one.what, one.valid ? 'accepted' : one.reason]);
      if (one.valid) expect(await read()).toMatchObject({ agent: one.agent_id, addresses: one.addresses });
    }
  });

  test('of the topics of discovery', () => {
    for (const one of casesOf<{ agent_id: string; identity_topic: string; rendezvous_topic: string }>('discovery-topics.json')) {
      const agent = parseAgentId(one.agent_id);
      expect([identityTopic(agent), rendezvousTopic(rendezvousShard(agent))]).toEqual([one.identity_topic, one.rendezvous_topic]);
    }
  });

  test('of the KEM', () => {
    for (const one of casesOf<{ seed: string; public_key: string; ciphertext: string; secret: string }>('kem.json')) {
      const key = crypto.kemKey(fromHex(one.seed));
      expect(toHex(key.publicKey)).toBe(one.public_key);
      expect(toHex(crypto.decapsulate(key, fromHex(one.ciphertext)))).toBe(one.secret);
    }
  });

  test('of sealed boxes: what is changed, or for others, does not open', async () => {
    type BoxCase = { seed: string; network: string; sender: string; recipient: string; box: string; max_bytes: number; id: string; content: string };
    for (const one of casesOf<BoxCase>('sealed-box.json')) {
      const route = { network: parseNetworkId(one.network), sender: parseAgentId(one.sender), recipient: parseAgentId(one.recipient) };
      const open = () => openBox(crypto, crypto.kemKey(fromHex(one.seed)), route, fromHex(one.box), one.max_bytes);
      expect([one.what, await outcomeOf(open)]).toEqual([one.what, one.valid ? 'accepted' : one.reason]);
      if (one.valid) expect(Object.values(open()).map(toHex)).toEqual([one.id, one.content]);
    }
  });

  test('of letters and inbox topics', async () => {
    type LetterCase = { letter?: string; kind: string; machine_id: string | null; agent_id?: string; topic: string };
    for (const one of casesOf<LetterCase>('letter.json')) {
      if (one.agent_id) {
        expect(inboxTopic(crypto, parseAgentId(one.agent_id))).toBe(one.topic);
        continue;
      }
      const read = () => decodeLetter(fromHex(one.letter!));
      expect([one.what, await outcomeOf(read)]).toEqual([one.what, one.valid ? 'accepted' : one.reason]);
      if (!one.valid) continue;
      const letter = read();
      expect([letter.kind, letter.kind === 'message' ? ((await letterMachine(crypto, letter)) ?? null) : null]).toEqual([one.kind, one.machine_id]);
    }
  });

  test('of frames', async () => {
    type FrameCase = { stream?: string; frames?: object[]; bulk_bodies?: string[]; message_length?: number; frame_lengths?: number[] };
    for (const one of casesOf<FrameCase>('frames.json')) {
      const frames: Frame[] = [];
      const decoder = new FrameDecoder((frame) => frames.push(frame));
      const reassembler = new Reassembler();
      const act = () => {
        if (one.stream) decoder.push(fromHex(one.stream));
        for (const body of one.bulk_bodies ?? []) reassembler.push({ lane: LANE_BULK, type: 1, body: fromHex(body) });
      };
      expect([one.what, await outcomeOf(act)]).toEqual([one.what, one.valid ? 'accepted' : one.reason]);
      if (one.frames) expect(frames.map(({ lane, type, body }) => ({ lane, type, body: toHex(body) }))).toEqual(one.frames);
      if (one.message_length)
        expect([...bulkFrames(1, 9, new Uint8Array(one.message_length))].map((frame) => frame.length)).toEqual(one.frame_lengths);
    }
  });

  test('of trust', () => {
    type TrustCase = {
      revoked: boolean;
      trust_level: TrustLevel | null;
      identity_type: IdentityType;
      pinned: string[];
      machine_id: string;
      decision: string;
    };
    const agent = parseAgentId('aa'.repeat(32));
    for (const { revoked, trust_level, identity_type, pinned, machine_id, decision } of casesOf<TrustCase>('trust.json')) {
      const machines = pinned.map((id) => ({ machine: parseMachineId(id), label: null, firstSeen: 0, lastSeen: 0, pinned: true }));
      const contact = trust_level && { agent, trust: trust_level, identity: identity_type, label: null, addedAt: 0, lastSeen: null, machines };
      const revocation = revoked && { reason: 'lost', timestamp: 0, revoker: null };
      const standing = { agent, ...(contact && { contact }), ...(revocation && { revocation }) };
      expect(evaluateTrust(standing, parseMachineId(machine_id))).toBe(decision);
    }
  });

  test('of direct messages', async () => {
    for (const one of casesOf<{ body: string; payload: string; digest: string; logical_id: string | null }>('direct.json')) {
      const open = () => decodeDirectBody(fromHex(one.body));
      expect([one.what, await outcomeOf(open)]).toEqual([one.what, one.valid ? 'accepted' : one.reason]);
      if (!one.valid) continue;
      expect(toHex(open().payload)).toBe(one.payload);
      expect(open().logicalId ?? null).toBe(one.logical_id);
      expect(payloadDigest(crypto, open().payload)).toBe(one.digest);
    }
  });

  test('of detached signatures', async () => {
    for (const one of casesOf<{ context: string | null; payload?: string; signature?: string; public_key?: string }>('signing.json')) {
      const [key, payload, signature] = [one.public_key, one.payload, one.signature].map((text) => fromHex(text ?? '')) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const outcome = await verifyAgentSignature(crypto, key, payload, signature, one.context ?? undefined).catch(codeOf);
      expect([one.what, outcome]).toEqual([one.what, one.valid ? true : one.reason === 'bad_signature' ? false : one.reason]);
    }
  });
});
