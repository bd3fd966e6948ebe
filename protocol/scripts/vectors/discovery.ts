import { concat, domain } from '../../src/bytes.ts';
import type { Crypto } from '../../src/crypto.ts';
import { identityTopic, rendezvousShard, rendezvousTopic } from '../../src/discovery.ts';
import { decodeStrict, encodeStrict } from '../../src/encoding.ts';
import { idOfKey, parseAgentId } from '../../src/ids.ts';
import type { AgentId } from '../../src/ids.ts';
import { signRendezvousRecord } from '../../src/rendezvous-record.ts';
import type { RendezvousErrorCode } from '../../src/rendezvous-record.ts';
import type { VectorFile } from '../vectors.ts';
import { flipped, hex, keyOf, machineOf, NETWORK, NOW_MS, OTHER_NETWORK } from './common.ts';

const DOMAIN = domain('muster-rendezvous-v1');
const VALID_MS = 3_600_000;

export async function rendezvousVectors(crypto: Crypto): Promise<VectorFile> {
  const key = keyOf(crypto, 1);
  const fields = {
    network: NETWORK,
    machine: machineOf(crypto, 3),
    kemKey: crypto.kemKey(new Uint8Array(64).fill(5)).publicKey,
    addresses: ['8.8.4.4:4000'],
    issued: NOW_MS,
    expires: NOW_MS + VALID_MS,
  };
  const make = (change: Partial<typeof fields> = {}) => signRendezvousRecord(crypto, key, { ...fields, ...change });
  const record = await make();
  const [body, signature] = decodeStrict(record, record.length) as [unknown[], Uint8Array];
  const careless = body.map((item, index) => (index === 5 ? ['10.0.0.1:4000', '8.8.4.4:4000'] : item));
  const changed = (at: number, value: unknown) => encodeStrict([body.map((item, index) => (index === at ? value : item)), signature]);
  const valid = (what: string, bytes: Uint8Array, now = NOW_MS) => ({
    valid: true,
    what,
    now,
    agent_id: idOfKey<AgentId>(crypto, key.publicKey),
    addresses: fields.addresses,
    record: hex(bytes),
  });
  const invalid = (what: string, reason: RendezvousErrorCode, bytes: Uint8Array, now = NOW_MS) => ({
    valid: false,
    what,
    reason,
    now,
    record: hex(bytes),
  });

  return {
    about:
      'Rendezvous records of the agent of the seed 01*32 in the network 11*32, judged at `now` (ms). Addresses of private networks are left out by writers and readers.',
    cases: [
      valid('signed', record),
      valid('in its last millisecond', record, NOW_MS + VALID_MS - 1),
      valid(
        'with an address of a private network, which no reader takes',
        encodeStrict([careless, await crypto.sign(key, concat(DOMAIN, encodeStrict(careless)))]),
      ),
      invalid('expired', 'expired', record, NOW_MS + VALID_MS),
      invalid('issued 30,001 ms ahead', 'future', record, NOW_MS - 30_001),
      invalid('valid for longer than a day', 'validity', await make({ expires: NOW_MS + 86_400_001 })),
      invalid('over before it begins', 'validity', await make({ expires: NOW_MS })),
      invalid('of another network', 'wrong_network', await make({ network: OTHER_NETWORK })),
      invalid('another machine', 'bad_signature', changed(3, new Uint8Array(32))),
      invalid('another time', 'bad_signature', changed(7, fields.expires + 1)),
      invalid('one bit of the signature', 'bad_signature', encodeStrict([body, flipped(signature, 0)])),
      invalid('version 2', 'version', changed(0, 2)),
      invalid('a short KEM key', 'malformed', changed(4, new Uint8Array(1_183))),
      invalid('not CBOR', 'malformed', Uint8Array.of(0xff)),
    ],
  };
}

export function topicVectors(): VectorFile {
  const ids = ['00'.repeat(32), 'ff'.repeat(32), `0001fffe${'00'.repeat(28)}`, `8000000a${'ab'.repeat(28)}`].map(parseAgentId);
  return {
    about:
      'Topics on which an agent is asked for: its identity shard, and the shard of those who keep its rendezvous record. The first 32 bits of its id, modulo 65,536 and 16.',
    cases: ids.map((agent) => ({ agent_id: agent, identity_topic: identityTopic(agent), rendezvous_topic: rendezvousTopic(rendezvousShard(agent)) })),
  };
}
