import type { Crypto } from '../../src/crypto.ts';
import { decodeStrict, encodeStrict } from '../../src/encoding.ts';
import { makeHello } from '../../src/hello.ts';
import type { HelloFields, HelloRefusal, HelloSession } from '../../src/hello.ts';
import { idOfKey } from '../../src/ids.ts';
import { encodeUserCertificate, issueUserCertificate } from '../../src/user-certificate.ts';
import type { UserCertificateErrorCode } from '../../src/user-certificate.ts';
import type { VectorFile } from '../vectors.ts';
import { flipped, hex, keyOf, machineOf, NETWORK, NOW_S, OTHER_NETWORK } from './common.ts';

const MAX_BYTES = 16_384;

export async function helloVectors(crypto: Crypto): Promise<VectorFile> {
  const agent = keyOf(crypto, 1);
  const user = keyOf(crypto, 2);
  const session: HelloSession = {
    exporter: new Uint8Array(32).fill(7),
    initiator: true,
    ownMachine: machineOf(crypto, 3),
    peerMachine: machineOf(crypto, 4),
  };
  const fields: HelloFields = {
    network: NETWORK,
    capabilities: ['direct/1', 'gossip/1'],
    software: { name: 'muster', version: '0.1.0' },
    addresses: ['127.0.0.1:4000', '[::1]:4000'],
    kemKey: crypto.kemKey(new Uint8Array(64).fill(5)).publicKey,
  };
  const certificate = await issueUserCertificate(crypto, user, agent.publicKey, NOW_S);
  const make = (changed: Partial<HelloFields> = {}, within: Partial<HelloSession> = {}) =>
    makeHello(crypto, agent, { ...fields, ...changed }, { ...session, ...within });
  const plain = await make();

  const valid = (what: string, hello: Uint8Array, user_id: string | null) => {
    const { capabilities, software, addresses, kemKey } = fields;
    const expected = { agent_id: idOfKey(crypto, agent.publicKey), user_id, version: 1, capabilities, software, addresses, kem_key: hex(kemKey) };
    return { valid: true, what, hello: hex(hello), ...expected };
  };
  const invalid = (what: string, reason: HelloRefusal, hello: Uint8Array) => ({ valid: false, what, reason, hello: hex(hello) });
  const foreign = await issueUserCertificate(crypto, user, user.publicKey, NOW_S);

  return {
    about:
      'Hellos of the initiator, read by the responder in network 11*32 that speaks version 1. Seeds: agent 01*32, user 02*32, initiating machine 03*32, responding machine 04*32, KEM 05*64. Exporter 07*32.',
    cases: [
      valid('an agent alone', plain, null),
      valid('an agent with a user', await make({ certificate }), idOfKey(crypto, user.publicKey)),
      valid('a newer node that also speaks version 1', await make({ versions: [1, 3] }), null),
      invalid('not CBOR', 'malformed', Uint8Array.of(0xff)),
      invalid('larger than 16 KiB', 'malformed', new Uint8Array(MAX_BYTES + 1)),
      invalid('a body that is text', 'malformed', encodeStrict(['body', new Uint8Array(3309)])),
      invalid('only versions 2 to 3', 'version', await make({ versions: [2, 3] })),
      invalid('network 22*32', 'wrong_network', await make({ network: OTHER_NETWORK })),
      invalid('made by the responder', 'bad_proof', await make({}, { initiator: false })),
      invalid('made in another session', 'bad_proof', await make({}, { exporter: new Uint8Array(32).fill(8) })),
      invalid('made for another peer', 'bad_proof', await make({}, { peerMachine: machineOf(crypto, 9) })),
      invalid('made by another machine', 'bad_proof', await make({}, { ownMachine: machineOf(crypto, 9) })),
      invalid('one bit of the proof', 'bad_proof', flipped(plain, -1)),
      invalid('other addresses under the same proof', 'bad_proof', await swapped(plain, await make({ addresses: ['127.0.0.1:1'] }))),
      invalid('a user who vouches for another agent', 'bad_certificate', await make({ certificate: foreign })),
      invalid('a certificate with another time', 'bad_certificate', await make({ certificate: { ...certificate, issuedAt: NOW_S + 1 } })),
    ],
  };
}

/** The proof of one hello under the body of another. */
async function swapped(proofOf: Uint8Array, bodyOf: Uint8Array): Promise<Uint8Array> {
  const [, proof] = decodeStrict(proofOf, MAX_BYTES) as [Uint8Array, Uint8Array];
  const [body] = decodeStrict(bodyOf, MAX_BYTES) as [Uint8Array, Uint8Array];
  return encodeStrict([body, proof]);
}

export async function userCertificateVectors(crypto: Crypto): Promise<VectorFile> {
  const [user, agent] = [keyOf(crypto, 2), keyOf(crypto, 1)];
  const certificate = await issueUserCertificate(crypto, user, agent.publicKey, NOW_S);
  const invalid = (what: string, reason: UserCertificateErrorCode, bytes: Uint8Array) => ({ valid: false, what, reason, certificate: hex(bytes) });
  const { userKey, agentKey, signature } = certificate;
  return {
    about: "A user's certificate for the agent of the seed 01*32; the user's seed is 02*32.",
    cases: [
      { valid: true, certificate: hex(encodeUserCertificate(certificate)), user_id: idOfKey(crypto, user.publicKey), issued_at: NOW_S },
      invalid('not CBOR', 'malformed', Uint8Array.of(0xff)),
      invalid('a negative time', 'malformed', encodeStrict([1, userKey, agentKey, -1, signature])),
      invalid('version 2', 'version', encodeStrict([2, userKey, agentKey, NOW_S, signature])),
      invalid('for the user itself', 'wrong_agent', encodeUserCertificate({ ...certificate, agentKey: userKey })),
      invalid('another time', 'bad_signature', encodeUserCertificate({ ...certificate, issuedAt: NOW_S + 1 })),
      invalid('one bit of the signature', 'bad_signature', encodeUserCertificate({ ...certificate, signature: flipped(signature, 0) })),
    ],
  };
}
