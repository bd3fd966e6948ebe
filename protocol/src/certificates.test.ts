import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { encodeStrict } from './encoding.ts';
import { idOfKey } from './ids.ts';
import type { MachineId, UserId } from './ids.ts';
import { buildMachineCertificate, certificatePem, encodeSpki, MachineCertificateError, parseSpki } from './machine-certificate.ts';
import {
  decodeUserCertificate,
  encodeUserCertificate,
  issueUserCertificate,
  userCertificateSignedBytes,
  UserCertificateError,
  verifyUserCertificate,
} from './user-certificate.ts';

const keyOf = (n: number) => crypto.signingKey(new Uint8Array(32).fill(n));

describe("a machine's certificate", () => {
  const key = keyOf(1);
  const machine = idOfKey<MachineId>(crypto, key.publicKey);
  const fields = {
    publicKey: key.publicKey,
    machine,
    notBefore: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    notAfter: Date.UTC(2126, 0, 1),
    serial: Uint8Array.of(0x12, 0xff),
  };
  const make = (changed: Partial<typeof fields> = {}) => buildMachineCertificate({ ...fields, ...changed }, (tbs) => crypto.sign(key, tbs));

  test('is what X.509 libraries read: self-signed, one common name, whole seconds', async () => {
    const certificate = new X509Certificate(await make());
    expect(certificate.publicKey.asymmetricKeyType).toBe('ml-dsa-65');
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.subject).toBe(`CN=${machine.slice(0, 32)}`);
    expect(certificate.issuer).toBe(certificate.subject);
    expect(certificate.serialNumber).toBe('12FF');
    expect(certificate.validFromDate.getTime()).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
    expect(certificate.validToDate.getTime()).toBe(fields.notAfter);
    expect(parseSpki(certificate.publicKey.export({ type: 'spki', format: 'der' }))).toEqual(key.publicKey);
  });

  test('does not verify under another key', async () => {
    const foreign = await buildMachineCertificate(fields, (tbs) => crypto.sign(keyOf(2), tbs));
    const certificate = new X509Certificate(foreign);
    expect(certificate.verify(certificate.publicKey)).toBe(false);
  });

  test('carries a TLS 1.3 session with X25519MLKEM768, proven on both sides', async () => {
    const cert = certificatePem(await make());
    const privateKey = createPrivateKey({ key: Buffer.from(key.seed), format: 'raw-seed', asymmetricKeyType: 'ml-dsa-65' });
    const options = {
      cert,
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      minVersion: 'TLSv1.3',
      ecdhCurve: 'X25519MLKEM768',
      rejectUnauthorized: false,
    } as const;
    const server = createServer({ ...options, requestCert: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'secureConnection');
    const client = connect({ ...options, port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    try {
      await once(client, 'secureConnect');
      const [socket] = await accepted;
      for (const end of [client, socket]) {
        const peer = end.getPeerX509Certificate();
        expect(parseSpki(peer.publicKey.export({ type: 'spki', format: 'der' }))).toEqual(key.publicKey);
      }
      expect(client.getEphemeralKeyInfo()).toMatchObject({ name: 'X25519MLKEM768' });
      socket.destroy();
    } finally {
      client.destroy();
      server.close();
      await once(server, 'close');
    }
  });

  test.each([
    ['an empty serial', { serial: new Uint8Array() }],
    ['a serial of 21 bytes', { serial: new Uint8Array(21).fill(1) }],
    ['a negative serial', { serial: Uint8Array.of(0x80) }],
    ['no time', { notAfter: Number.NaN }],
    ['a time after the year 9999', { notAfter: 1e15 }],
    ['half a key', { publicKey: new Uint8Array(976) }],
  ])('is not made with %s', async (_what, changed) => {
    await expect(make(changed)).rejects.toBeInstanceOf(MachineCertificateError);
  });

  test('has the SPKI that others write, and takes no other key for it', () => {
    const object = createPublicKey({ key: Buffer.from(key.publicKey), format: 'raw-public', asymmetricKeyType: 'ml-dsa-65' });
    expect(encodeSpki(key.publicKey)).toEqual(new Uint8Array(object.export({ type: 'spki', format: 'der' })));
    for (const type of ['ed25519', 'ml-dsa-44', 'ml-dsa-87', 'ml-kem-768'] as const) {
      const other = generateKeyPairSync(type as 'ed25519').publicKey.export({ type: 'spki', format: 'der' });
      expect(() => parseSpki(other)).toThrow(MachineCertificateError);
    }
    expect(() => parseSpki(new Uint8Array(1974))).toThrow(MachineCertificateError);
  });
});

describe("a user's certificate", () => {
  const [user, agent] = [keyOf(3), keyOf(4)];

  test('names the user who vouches for the agent', async () => {
    const certificate = decodeUserCertificate(encodeUserCertificate(await issueUserCertificate(crypto, user, agent.publicKey, 1_800_000_000)));
    expect(certificate.issuedAt).toBe(1_800_000_000);
    expect(await verifyUserCertificate(crypto, certificate, agent.publicKey)).toBe(idOfKey<UserId>(crypto, user.publicKey));
  });

  test('signs the bytes of the compatible network', () => {
    const bytes = userCertificateSignedBytes({ userKey: Uint8Array.of(1), agentKey: Uint8Array.of(2), issuedAt: 258 });
    expect(Buffer.from(bytes).toString('latin1')).toBe('x0x-agent-cert-v1\x01\x02\0\0\0\0\0\0\x01\x02');
  });

  test('is refused for another agent, with another time, or of another form', async () => {
    const certificate = await issueUserCertificate(crypto, user, agent.publicKey, 1);
    const verdict = (changed: Partial<typeof certificate>, by = agent) =>
      verifyUserCertificate(crypto, { ...certificate, ...changed }, by.publicKey).catch((error: UserCertificateError) => error.code);
    expect(await verdict({}, user)).toBe('wrong_agent');
    expect(await verdict({ issuedAt: 2 })).toBe('bad_signature');
    expect(await verdict({ userKey: agent.publicKey })).toBe('bad_signature');
    const items = [agent.publicKey, agent.publicKey, 1, certificate.signature];
    expect(() => decodeUserCertificate(encodeStrict([2, ...items]))).toThrow(/version 2/);
    expect(() => decodeUserCertificate(encodeStrict([1, ...items.slice(1)]))).toThrow(UserCertificateError);
    expect(() => decodeUserCertificate(Uint8Array.of(0xff))).toThrow(UserCertificateError);
  });
});
