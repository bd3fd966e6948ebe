import { assert, option, property, subarray, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { decodeDiscovery, encodeDiscovery, identityTopic, rendezvousShard, rendezvousTopic } from './discovery.ts';
import { encodeStrict } from './encoding.ts';
import { idOfKey, parseAgentId, parseMachineId, parseNetworkId } from './ids.ts';
import type { AgentId } from './ids.ts';
import { RendezvousError, signRendezvousRecord, verifyRendezvousRecord } from './rendezvous-record.ts';

const machine = parseMachineId('ab'.repeat(32));
const kemKey = crypto.kemKey(new Uint8Array(64)).publicKey;

describe('discovery messages', () => {
  test('come back as they were said', () => {
    const certificate = option(uint8Array({ minLength: 1, maxLength: 8_192 }));
    assert(
      property(certificate, subarray(['8.8.8.8:1', '[2606:4700::1]:9', '9.9.9.9:65535']), (given, addresses) => {
        const said = { kind: 'announcement', machine, kemKey, addresses, certificate: given } as const;
        expect(decodeDiscovery(encodeDiscovery(said))).toEqual(said);
      }),
      { seed: 20261121, numRuns: 50 },
    );
    const ask = { kind: 'ask', agent: parseAgentId('cd'.repeat(32)) } as const;
    expect(decodeDiscovery(encodeDiscovery(ask))).toEqual(ask);
    const record = { kind: 'record', record: Uint8Array.of(1, 2, 3) } as const;
    expect(decodeDiscovery(encodeDiscovery(record))).toEqual(record);
  });

  test('hold no address that means something in the own network only, neither said nor heard', () => {
    const local = ['127.0.0.1:4000', '192.168.1.7:4000', '[::1]:4000', 'printer.local:80'];
    const said = { kind: 'announcement', machine, kemKey, addresses: [...local, '8.8.8.8:1'], certificate: null } as const;
    expect(Buffer.from(encodeDiscovery(said)).includes('192.168.1.7')).toBe(false);
    const heard = decodeDiscovery(encodeStrict([0, new Uint8Array(32), kemKey, [...local, '8.8.8.8:1'], null]));
    expect(heard).toMatchObject({ addresses: ['8.8.8.8:1'] });
  });

  test.each([
    ['nothing', []],
    ['another kind', [3, new Uint8Array(32)]],
    ['a short machine', [0, new Uint8Array(31), kemKey, [], null]],
    ['a short KEM key', [0, new Uint8Array(32), kemKey.subarray(1), [], null]],
    ['nine addresses', [0, new Uint8Array(32), kemKey, Array.from({ length: 9 }, () => '8.8.8.8:1'), null]],
    ['no list of addresses', [0, new Uint8Array(32), kemKey, '8.8.8.8:1', null]],
    ['a certificate that is a number', [0, new Uint8Array(32), kemKey, [], 7]],
    ['too much', [0, new Uint8Array(32), kemKey, [], null, 1]],
    ['an ask for half an agent', [1, new Uint8Array(16)]],
    ['an empty record', [2, new Uint8Array()]],
  ])('that are %s are refused', (_what, fields) => {
    expect(() => decodeDiscovery(encodeStrict(fields))).toThrow(expect.objectContaining({ code: 'bad_shape' }) as Error);
  });
});

test('shards are told by the first bits of an id', () => {
  expect(identityTopic(parseAgentId(`0001ffff${'0'.repeat(56)}`))).toBe('x0x.identity.shard.v2.65535');
  expect(rendezvousTopic(rendezvousShard(parseAgentId(`0000001a${'0'.repeat(56)}`)))).toBe('x0x.rendezvous.shard.10');
});

describe('a rendezvous record', () => {
  const key = crypto.signingKey(new Uint8Array(32).fill(1));
  const network = parseNetworkId('11'.repeat(32));
  const issued = 1_800_000_000_000;
  const fields = { network, machine, kemKey, addresses: ['8.8.8.8:1', '10.0.0.1:1'], issued, expires: issued + 3_600_000 };
  const verdict = (bytes: Uint8Array, now = issued, of = network) =>
    verifyRendezvousRecord(crypto, bytes, { now, network: of }).then(
      () => 'good',
      (error: unknown) => (error instanceof RendezvousError ? error.code : error),
    );

  test('is of the agent that signed it, with what may leave its network', async () => {
    const bytes = await signRendezvousRecord(crypto, key, fields);
    const agent = idOfKey<AgentId>(crypto, key.publicKey);
    expect(await verifyRendezvousRecord(crypto, bytes, { now: issued, network })).toEqual({
      ...fields,
      addresses: ['8.8.8.8:1'],
      agent,
      agentKey: key.publicKey,
    });
  });

  test('holds from its issue until it expires, in its network', async () => {
    const bytes = await signRendezvousRecord(crypto, key, fields);
    expect(await verdict(bytes, fields.expires - 1)).toBe('good');
    expect(await verdict(bytes, fields.expires)).toBe('expired');
    expect(await verdict(bytes, issued - 30_000)).toBe('good');
    expect(await verdict(bytes, issued - 30_001)).toBe('future');
    expect(await verdict(bytes, issued, parseNetworkId('22'.repeat(32)))).toBe('wrong_network');
    expect(await verdict(await signRendezvousRecord(crypto, key, { ...fields, expires: issued }))).toBe('validity');
    expect(await verdict(await signRendezvousRecord(crypto, key, { ...fields, expires: issued + 86_400_001 }))).toBe('validity');
  });

  test('of which a bit was changed, or that is something else, is refused', async () => {
    const bytes = await signRendezvousRecord(crypto, key, fields);
    const lastOfTimes = bytes.length - 3_309 - 3 - 1;
    for (const at of [lastOfTimes, bytes.length - 1])
      expect(await verdict(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)))).toBe('bad_signature');
    expect(await verdict(encodeStrict([[2], new Uint8Array(3_309)]))).toBe('version');
    for (const other of [Uint8Array.of(0xff), encodeStrict([]), encodeStrict([[1], new Uint8Array(9)]), new Uint8Array(9_000)])
      expect(await verdict(other)).toBe('malformed');
  });
});
