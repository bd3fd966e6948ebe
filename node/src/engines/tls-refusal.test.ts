import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type ConnectionOptions, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { buildMachineCertificate, certificatePem, idOfKey, type MachineId } from '@muster/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { splitHostPort } from '../config.ts';
import type { Channel, TransportErrorCode, TransportListener } from '../ports/index.ts';
import { systemClock } from './clock.ts';
import { nodeCrypto } from './crypto.ts';
import { tcpCarrier } from './tcp-carrier.ts';
import { tlsTransport, type TlsTransportParts } from './tls-transport.ts';

const crypto = nodeCrypto();
const HOUR = 3_600_000;
const POST_QUANTUM: SecureContextOptions = { minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768' };
type Identity = { cert: string; key: string };

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A machine's certificate as it should be, except for what is said. */
async function machineIdentity(from = -HOUR, to = HOUR, spoil = (signature: Uint8Array): Uint8Array => signature): Promise<Identity> {
  const key = crypto.signingKey();
  const machine = idOfKey<MachineId>(crypto, key.publicKey);
  const fields = { publicKey: key.publicKey, machine, notBefore: Date.now() + from, notAfter: Date.now() + to, serial: Uint8Array.of(1) };
  const certificate = await buildMachineCertificate(fields, async (tbs) => spoil(await crypto.sign(key, tbs)));
  return {
    cert: certificatePem(certificate),
    key: pem(createPrivateKey({ key: Buffer.from(key.seed), format: 'raw-seed', asymmetricKeyType: 'ml-dsa-65' })),
  };
}

/** A valid self-signed certificate of another kind of key; the algorithm identifier is the one of the key. */
function foreignIdentity(type: 'ed25519' | 'ml-dsa-44' | 'ml-dsa-87'): Identity {
  const { privateKey, publicKey } = generateKeyPairSync(type as 'ed25519');
  const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
    const body = Buffer.concat(parts);
    const size = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
    return Buffer.concat([Buffer.of(tag, ...size), body]);
  };
  const algorithm = der(0x30, Buffer.from(type === 'ed25519' ? '06032b6570' : `060960864801650304031${type === 'ml-dsa-44' ? '1' : '3'}`, 'hex'));
  const name = der(0x30, der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('peer')))));
  const time = (text: string): Buffer => der(0x18, Buffer.from(text));
  const validity = der(0x30, time('20200101000000Z'), time('21200101000000Z'));
  const tbs = der(
    0x30,
    der(0xa0, Buffer.of(2, 1, 2)),
    Buffer.of(2, 1, 1),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const certificate = der(0x30, tbs, algorithm, der(0x03, Buffer.of(0), sign(null, tbs, privateKey)));
  return { cert: certificatePem(certificate), key: pem(privateKey) };
}

const spoiled = (): Promise<Identity> => machineIdentity(-HOUR, HOUR, (signature) => signature.map((byte, i) => (i === 100 ? byte ^ 1 : byte)));

/** What a peer may show in TLS, and why it is refused. */
const PEERS: Record<string, [TransportErrorCode, () => Promise<SecureContextOptions>]> = {
  'a classical peer (X25519 only)': ['not_post_quantum', async () => ({ ...(await machineIdentity()), minVersion: 'TLSv1.3', ecdhCurve: 'X25519' })],
  'a peer of TLS 1.2': ['not_post_quantum', async () => ({ ...foreignIdentity('ed25519'), maxVersion: 'TLSv1.2' })],
  'an Ed25519 certificate': ['wrong_key_type', async () => ({ ...foreignIdentity('ed25519'), ...POST_QUANTUM })],
  'an ML-DSA-44 certificate': ['wrong_key_type', async () => ({ ...foreignIdentity('ml-dsa-44'), ...POST_QUANTUM })],
  'an ML-DSA-87 certificate': ['wrong_key_type', async () => ({ ...foreignIdentity('ml-dsa-87'), ...POST_QUANTUM })],
  'an expired certificate': ['expired_certificate', async () => ({ ...(await machineIdentity(-2 * HOUR, -HOUR)), ...POST_QUANTUM })],
  'a certificate of the future': ['expired_certificate', async () => ({ ...(await machineIdentity(HOUR, 2 * HOUR)), ...POST_QUANTUM })],
  'a certificate that its key has not signed': ['bad_certificate', async () => ({ ...(await spoiled()), ...POST_QUANTUM })],
};

/** What a peer may do that is no TLS at all. */
const NOISE: Record<string, [TransportErrorCode, (socket: Socket) => void]> = {
  'garbage bytes': ['handshake_failed', (socket) => void socket.write(Buffer.alloc(2000, 0x41))],
  'a peer that hangs up': ['handshake_failed', (socket) => void socket.end()],
  'a peer that resets': ['handshake_failed', (socket) => void socket.resetAndDestroy()],
  'a handshake that never finishes': ['timeout', (socket) => void socket.write(Buffer.from('1603010200', 'hex'))],
  'a silent peer': ['timeout', () => {}],
};

const ourTransport = (parts: Partial<TlsTransportParts> = {}) =>
  tlsTransport({ carrier: tcpCarrier(), crypto, machineKey: crypto.signingKey(), clock: systemClock(), ...parts });
const until = (condition: () => boolean): Promise<void> => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5_000, interval: 5 });

const sockets: Socket[] = [];
const servers: Server[] = [];
const own = <S extends Socket>(socket: S): S => {
  sockets.push(socket);
  return socket.on('error', () => {});
};
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

describe('our listener refuses', () => {
  let listener: TransportListener;
  let channels: Channel[];

  async function listen(parts: Partial<TlsTransportParts> = {}): Promise<void> {
    channels = [];
    listener = await ourTransport({ handshakeMs: 5_000, ...parts }).listen('127.0.0.1:0', (channel) => {
      channels.push(channel);
      channel.start({ data: () => {}, drain: () => {}, closed: () => {} });
    });
  }
  beforeEach(() => listen());
  afterEach(() => listener[Symbol.asyncDispose]());

  const target = () => splitHostPort(listener.address)!;
  const dialTls = (options: ConnectionOptions): TLSSocket => own(connectTls({ ...target(), rejectUnauthorized: false, ...options }));
  const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()).resume());

  async function refusedBecause(code: TransportErrorCode, socket: Socket): Promise<void> {
    await closed(socket);
    await until(() => listener.refused[code] === 1);
    expect(listener.refused).toEqual({ [code]: 1 });
    expect(channels).toEqual([]);
  }

  it.each(Object.entries(PEERS))('%s', async (_, [code, options]) => refusedBecause(code, dialTls(await options())));

  it('a client without a certificate', () => refusedBecause('no_certificate', dialTls(POST_QUANTUM)));

  it.each(Object.entries(NOISE))('%s', async (_, [code, act]) => {
    await listener[Symbol.asyncDispose]();
    await listen({ handshakeMs: code === 'timeout' ? 200 : 5_000 });
    const socket = own(connectTcp(target()));
    socket.once('connect', () => act(socket));
    await refusedBecause(code, socket);
  });

  it('more unfinished handshakes than allowed, until some are over', async () => {
    await listener[Symbol.asyncDispose]();
    await listen({ maxHandshakes: 3, maxHandshakesPerAddress: 2 });
    const first = own(connectTcp(target()));
    const second = own(connectTcp(target()));
    await Promise.all([first, second].map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    await closed(own(connectTcp(target())));
    expect(listener.refused).toEqual({ overloaded: 1 });
    first.destroy();
    await until(() => listener.refused.handshake_failed === 1);
    dialTls({ ...(await machineIdentity()), ...POST_QUANTUM });
    await until(() => channels.length === 1);
  });

  it('nobody with a proper certificate, but lets no session be resumed', async () => {
    const identity = { ...(await machineIdentity()), ...POST_QUANTUM };
    const first = dialTls(identity);
    const session = await new Promise<Buffer>((resolve) => first.once('session', resolve));
    const second = dialTls({ ...identity, session });
    await until(() => channels.length === 2);
    expect(second.isSessionReused()).toBe(false);
    expect(listener.refused).toEqual({});
  });

  it('what is unfinished when it is disposed', async () => {
    const socket = own(connectTcp(target()));
    await new Promise((resolve) => socket.once('connect', resolve));
    // One more turn, so that the listener has seen it.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const gone = closed(socket);
    await listener[Symbol.asyncDispose]();
    await gone;
    expect(listener.refused).toEqual({});
  });
});

describe('our dialler refuses', () => {
  const serve = (server: Server): Promise<string> => {
    servers.push(server);
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(server.address() as AddressInfo).port}`)));
  };
  const dial = (address: string, parts: Partial<TlsTransportParts> = {}): Promise<Channel> =>
    ourTransport(parts).dial(address, undefined, new AbortController().signal);

  it.each(Object.entries(PEERS))('%s', async (_, [code, options]) => {
    const accepted: TLSSocket[] = [];
    const server = createTlsServer({ ...(await options()), requestCert: true, rejectUnauthorized: false }, (socket) => accepted.push(own(socket)));
    server.on('tlsClientError', () => {});
    await expect(dial(await serve(server))).rejects.toMatchObject({ name: 'TransportError', code });
    // Nothing stays open behind a refusal.
    await until(() => accepted.every((socket) => socket.resume().destroyed));
  });

  it.each(Object.entries(NOISE))('%s', async (_, [code, act]) => {
    const accepted: Socket[] = [];
    const server = createTcpServer((socket) => {
      accepted.push(own(socket));
      socket.once('data', () => act(socket));
    });
    await expect(dial(await serve(server), { handshakeMs: code === 'timeout' ? 200 : 5_000 })).rejects.toMatchObject({
      name: 'TransportError',
      code,
    });
    await until(() => accepted.every((socket) => socket.resume().destroyed));
  });
});
