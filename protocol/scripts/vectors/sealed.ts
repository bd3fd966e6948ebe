import type { Crypto } from '../../src/crypto.ts';
import { encodeStrict } from '../../src/encoding.ts';
import { idOfKey, parseAgentId } from '../../src/ids.ts';
import { encodeLetter, inboxTopic, letterMachine, signLetter } from '../../src/letter.ts';
import type { Letter } from '../../src/letter.ts';
import { sealBox } from '../../src/sealed-box.ts';
import type { Vault, VectorFile } from '../vectors.ts';
import { flipped, hex, keyOf, NETWORK, OTHER_NETWORK, text } from './common.ts';

const ID = new Uint8Array(16).fill(3);
const MAX_BYTES = 1_024;

export function sealedBoxVectors(vault: Vault): VectorFile {
  const { crypto } = vault;
  const [key, otherKey] = [5, 6].map((byte) => crypto.kemKey(new Uint8Array(64).fill(byte))) as [ReturnType<Crypto['kemKey']>, { seed: Uint8Array }];
  // A box holds chance only in its KEM ciphertext; here that is the stored one.
  const ciphertext = vault.ciphertext(key.publicKey);
  const fixed: Crypto = { ...crypto, encapsulate: () => ({ ciphertext, secret: crypto.decapsulate(key, ciphertext) }) };
  const [sender, recipient] = [parseAgentId('aa'.repeat(32)), parseAgentId('bb'.repeat(32))];
  const box = sealBox(fixed, key.publicKey, { network: NETWORK, sender, recipient }, ID, text('hello'));
  const empty = sealBox(fixed, key.publicKey, { network: NETWORK, sender, recipient }, ID, new Uint8Array());
  const common = { seed: hex(key.seed), network: NETWORK, sender, recipient, box: hex(box), max_bytes: MAX_BYTES };
  const refuse = (what: string, reason: string, change: object) => ({ valid: false, what, reason, ...common, ...change });
  // The head of the array, the version, the id behind its head, the head of the ciphertext.
  const [idAt, ciphertextAt] = [3, 3 + 16 + 3];
  return {
    about: 'Boxes that only one agent can open: [version, id, ML-KEM-768 ciphertext, AES-256-GCM]. Opening only: sealing draws a fresh secret.',
    cases: [
      { valid: true, what: 'a box', ...common, id: hex(ID), content: hex(text('hello')) },
      { valid: true, what: 'an empty one', ...common, box: hex(empty), id: hex(ID), content: '' },
      refuse('another recipient’s key', 'not_opened', { seed: hex(otherKey.seed) }),
      refuse('another sender', 'not_opened', { sender: recipient }),
      refuse('another recipient', 'not_opened', { recipient: sender }),
      refuse('another network', 'not_opened', { network: OTHER_NETWORK }),
      refuse('one bit of the id changed', 'not_opened', { box: hex(flipped(box, idAt)) }),
      refuse('one bit of the KEM ciphertext changed', 'not_opened', { box: hex(flipped(box, ciphertextAt)) }),
      refuse('one bit of the content changed', 'not_opened', { box: hex(flipped(box, -17)) }),
      refuse('one bit of the tag changed', 'not_opened', { box: hex(flipped(box, -1)) }),
      refuse('version 2', 'version', { box: hex(encodeStrict([2])) }),
      refuse('a short KEM ciphertext', 'malformed', { box: hex(encodeStrict([1, ID, ciphertext.subarray(1), new Uint8Array(16)])) }),
      refuse('no room for a tag', 'malformed', { box: hex(encodeStrict([1, ID, ciphertext, new Uint8Array(15)])) }),
      refuse('more content than allowed', 'malformed', { max_bytes: 4 }),
      refuse('not CBOR', 'malformed', { box: 'ff' }),
    ],
  };
}

export async function letterVectors(crypto: Crypto): Promise<VectorFile> {
  const machine = keyOf(crypto, 3);
  const envelope = text('an envelope');
  const kemKey = crypto.kemKey(new Uint8Array(64).fill(5)).publicKey;
  const machineSignature = await signLetter(crypto, machine, envelope);
  const message: Letter = { kind: 'message', envelope, kemKey, machineKey: machine.publicKey, machineSignature };
  const make = async (what: string, letter: Letter) => {
    const machineId = letter.kind === 'message' ? ((await letterMachine(crypto, letter)) ?? null) : null;
    return { valid: true, what, kind: letter.kind, letter: hex(encodeLetter(letter)), machine_id: machineId };
  };
  const refuse = (what: string, value: unknown) => ({ valid: false, what, reason: 'bad_shape', letter: hex(encodeStrict(value)) });
  const agent = idOfKey<ReturnType<typeof parseAgentId>>(crypto, keyOf(crypto, 1).publicKey);
  return {
    about: 'What sealed boxes on inbox topics hold: a message with the word of its machine, or an acknowledgement. And the topic of an agent.',
    cases: [
      { valid: true, what: 'a topic', agent_id: agent, topic: inboxTopic(crypto, agent) },
      await make('a message', message),
      await make('a message that another machine signed: it comes from none', {
        ...message,
        machineSignature: await signLetter(crypto, keyOf(crypto, 4), envelope),
      }),
      await make('an acknowledgement', { kind: 'ack', requestId: ID, outcome: { kind: 'committed' } }),
      await make('a refusal', { kind: 'ack', requestId: ID, outcome: { kind: 'rejected', reason: 'blocked' } }),
      refuse('of another kind', ['parcel', envelope]),
      refuse('a message without a machine', ['message', envelope, kemKey]),
      refuse('a short KEM key', ['message', envelope, kemKey.subarray(1), machine.publicKey, machineSignature]),
      refuse('an acknowledgement of a short id', ['ack', ID.subarray(1), 'committed']),
    ],
  };
}
