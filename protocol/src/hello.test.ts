import { describe, expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { concat, utf8Bytes } from './bytes.ts';
import { decodeStrict, encodeStrict } from './encoding.ts';
import { HelloError, makeHello, readHello } from './hello.ts';
import type { HelloFields, HelloSession } from './hello.ts';
import { idBytes, idOfKey, parseMachineId, parseNetworkId } from './ids.ts';
import type { AgentId, UserId } from './ids.ts';
import { issueUserCertificate } from './user-certificate.ts';

const keyOf = (n: number) => crypto.signingKey(new Uint8Array(32).fill(n));
const agent = keyOf(1);
const user = keyOf(2);
const network = parseNetworkId('11'.repeat(32));
const [mine, theirs] = [parseMachineId('aa'.repeat(32)), parseMachineId('bb'.repeat(32))];
const exporter = new Uint8Array(32).fill(7);
const dialling: HelloSession = { exporter, initiator: true, ownMachine: mine, peerMachine: theirs };
const accepting: HelloSession = { exporter, initiator: false, ownMachine: theirs, peerMachine: mine };
const fields: HelloFields = {
  network,
  capabilities: ['gossip/1', 'direct/1'],
  software: { name: 'muster', version: '0.1.0' },
  addresses: ['127.0.0.1:4000'],
  kemKey: crypto.kemKey(new Uint8Array(64).fill(3)).publicKey,
};
const certificate = await issueUserCertificate(crypto, user, agent.publicKey, 1_800_000_000);

const hello = (changed: Partial<HelloFields> = {}, session = dialling) => makeHello(crypto, agent, { ...fields, ...changed }, session);
const read = (bytes: Uint8Array, session = accepting) => readHello(crypto, bytes, network, session);
const refusalOf = (bytes: Uint8Array, session = accepting) =>
  read(bytes, session).then(
    () => 'accepted',
    (error: unknown) => (error instanceof HelloError ? error.code : error),
  );

type Body = Record<string, unknown>;

/** The hello with its body changed; the agent signs it again, in the documented form, unless told to keep the old proof. */
async function altered(change: (body: Body) => unknown, keepProof = false): Promise<Uint8Array> {
  const [bytes, proof] = decodeStrict(await hello({ certificate }), 16_384) as [Uint8Array, Uint8Array];
  const old = decodeStrict(bytes, 16_384) as Body;
  const body = encodeStrict(change(old) ?? old);
  const ends = [Uint8Array.of(0), idBytes(mine), idBytes(theirs)];
  const signed = concat(utf8Bytes('muster-hello-v1\0'), exporter, ...ends, crypto.sha256(body));
  return encodeStrict([body, keepProof ? proof : await crypto.sign(agent, signed)]);
}

describe('a hello', () => {
  test('tells the other side who is there and what it understands', async () => {
    const got = await read(await hello({ certificate }));
    expect(got).toMatchObject({ ...fields, version: 1, versions: [1, 1] });
    expect(got.agent).toBe(idOfKey<AgentId>(crypto, agent.publicKey));
    expect(got.user).toBe(idOfKey<UserId>(crypto, user.publicKey));
    expect(await read(await hello())).not.toHaveProperty('user');
  });

  test('tells one life of a process from another, if it says so', async () => {
    const instance = new Uint8Array(16).fill(8);
    expect((await read(await hello({ instance }))).instance).toEqual(instance);
    expect(await read(await hello())).not.toHaveProperty('instance');
    expect(await refusalOf(await altered((body) => ({ ...body, instance: instance.subarray(1) })))).toBe('malformed');
  });

  test('goes both ways in one session', async () => {
    expect((await read(await hello({}, accepting), dialling)).agent).toBe(idOfKey<AgentId>(crypto, agent.publicKey));
  });

  test('from a newer node is read at the newest version in common, whatever more it says', async () => {
    expect((await read(await hello({ versions: [1, 9] }))).version).toBe(1);
    const more = (body: Body) => ({ ...body, later: 'news' });
    expect(await refusalOf(await altered(more))).toBe('accepted');
    expect(await refusalOf(await altered(more, true))).toBe('bad_proof');
  });

  test.each<[string, Partial<HelloFields>]>([
    ['capabilities', { capabilities: Array<string>(33).fill('x') }],
    ['capability', { capabilities: ['x'.repeat(33)] }],
    ['software', { software: { name: '', version: '1' } }],
    ['addresses', { addresses: Array<string>(17).fill('127.0.0.1:1') }],
    ['kem', { kemKey: new Uint8Array(1185) }],
  ])('that nobody would read is not made: %s', async (name, changed) => {
    await expect(hello(changed)).rejects.toThrow(name);
  });

  test('needs a whole exporter', async () => {
    await expect(hello({}, { ...dialling, exporter: new Uint8Array(31) })).rejects.toThrow('exporter');
  });

  test('with the largest of everything still fits', async () => {
    const largest = {
      certificate,
      capabilities: Array.from({ length: 32 }, (_, index) => `${index}`.padStart(32, 'c')),
      addresses: Array<string>(16).fill('a'.repeat(64)),
      software: { name: 'n'.repeat(64), version: 'v'.repeat(64) },
    };
    expect(await read(await hello(largest))).toMatchObject(largest);
  });
});

describe('a hello is refused', () => {
  test.each<[string, (body: Body) => unknown]>([
    ['version', (body) => void (body['versions'] = [2, 3])],
    ['version', (body) => void (body['versions'] = [0, 0])],
    ['version', (body) => void (body['versions'] = [3, 1])],
    ['malformed', (body) => void (body['versions'] = [1])],
    ['wrong_network', (body) => void (body['network'] = new Uint8Array(32))],
    ['malformed', (body) => void (body['network'] = new Uint8Array(31))],
    ['malformed', (body) => void delete body['software']],
    ['malformed', (body) => void (body['capabilities'] = 'all')],
    ['malformed', (body) => void (body['agent'] = new Uint8Array())],
    ['malformed', () => ['a', 'list']],
    ['malformed', (body) => void (body['certificate'] = 'trust me')],
    ['bad_certificate', (body) => void (body['certificate'] = Uint8Array.of(1, 2, 3))],
    ['bad_proof', (body) => void (body['addresses'] = ['127.0.0.1:1'])],
    ['bad_proof', (body) => void (body['agent'] = user.publicKey)],
  ])('as %s', async (refusal, change) => {
    expect(await refusalOf(await altered(change, refusal === 'bad_proof'))).toBe(refusal);
  });

  test.each([
    ['nothing', new Uint8Array()],
    ['another value', encodeStrict(7)],
    ['17 KiB', new Uint8Array(17 * 1024)],
    ['a body of text', encodeStrict(['body', new Uint8Array(9)])],
  ])('as malformed when it is %s', async (_what, bytes) => {
    expect(await refusalOf(bytes)).toBe('malformed');
  });

  test.each<[string, HelloSession]>([
    ['session', { ...accepting, exporter: new Uint8Array(32).fill(8) }],
    ['end', { ...accepting, ownMachine: parseMachineId('cc'.repeat(32)) }],
    ['machine', { ...accepting, peerMachine: parseMachineId('cc'.repeat(32)) }],
    ['side', { ...accepting, initiator: true }],
  ])('when it was said in another %s', async (_what, session) => {
    expect(await refusalOf(await hello(), session)).toBe('bad_proof');
  });

  test('when it is sent back to who said it', async () => {
    expect(await refusalOf(await hello(), dialling)).toBe('bad_proof');
  });

  test("when the user's certificate is for another agent, or not the user's", async () => {
    const other = await issueUserCertificate(crypto, user, keyOf(9).publicKey, 1_800_000_000);
    expect(await refusalOf(await hello({ certificate: other }))).toBe('bad_certificate');
    expect(await refusalOf(await hello({ certificate: { ...certificate, issuedAt: 1 } }))).toBe('bad_certificate');
  });

  test('but a fault of the cryptography is not blamed on the peer', async () => {
    const failAt = (call: number) => {
      let calls = 0;
      return { ...crypto, verify: async () => (++calls === call ? Promise.reject(new TypeError('worker lost')) : true) };
    };
    const bytes = await hello({ certificate });
    await expect(readHello(failAt(1), bytes, network, accepting)).rejects.toThrow(TypeError);
    await expect(readHello(failAt(2), bytes, network, accepting)).rejects.toThrow(TypeError);
  });
});
