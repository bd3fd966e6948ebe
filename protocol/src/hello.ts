/**
 * What both sides say inside the secure channel before anything counts.
 *
 * body  = encoding({agent, addresses, capabilities, certificate, instance, kem, network, software: [name, version], versions: [min, max]})
 * proof = agent signature over "muster-hello-v1" NUL ‖ exporter (32) ‖ role (0 initiator, 1 responder) ‖ own machine id ‖ peer machine id ‖ SHA-256(body)
 * wire  = encoding([body, proof])
 *
 * The exporter binds the proof to this session and the machine ids to these two ends: it cannot be replayed or relayed.
 * Unknown keys of the body are ignored, so that a later version can say more.
 */
import { concat, domain } from './bytes.ts';
import {
  EXPORTER_BYTES,
  ID_BYTES,
  INSTANCE_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  MAX_ADDRESS_BYTES,
  MAX_ADDRESSES,
  MAX_CAPABILITIES,
  MAX_CAPABILITY_BYTES,
  MAX_CERTIFICATE_BYTES,
  MAX_HELLO_BYTES,
  MAX_SOFTWARE_NAME_BYTES,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
} from './constants.ts';
import type { Crypto, SigningKey } from './crypto.ts';
import { decodeStrict, encodeStrict, readBytes, readCount, readList, readMap, readText, readTuple, translated } from './encoding.ts';
import { ProtocolError } from './errors.ts';
import { idBytes, idOfBytes, idOfKey } from './ids.ts';
import type { AgentId, MachineId, NetworkId, UserId } from './ids.ts';
import { decodeUserCertificate, encodeUserCertificate, UserCertificateError, verifyUserCertificate } from './user-certificate.ts';
import type { UserCertificate } from './user-certificate.ts';

export type HelloRefusal =
  | 'malformed'
  | 'version' // no protocol version in common
  | 'wrong_network'
  | 'bad_proof' // not signed by its agent for this session
  | 'bad_certificate'; // of the user

export class HelloError extends ProtocolError<HelloRefusal> {
  override readonly name = 'HelloError';
}

/** label for `Channel.exporter` */
export const HELLO_EXPORTER_LABEL = 'EXPORTER-muster-hello-v1';

/** The session that a hello belongs to, seen from here. */
export interface HelloSession {
  /** 32 bytes of the channel under `HELLO_EXPORTER_LABEL` */
  readonly exporter: Uint8Array;
  /** true on the side that dialled */
  readonly initiator: boolean;
  readonly ownMachine: MachineId;
  readonly peerMachine: MachineId;
}

export interface HelloFields {
  readonly network: NetworkId;
  /** what the node understands beyond the basics: up to 32 names of up to 32 bytes */
  readonly capabilities: readonly string[];
  readonly software: { readonly name: string; readonly version: string };
  /** `host:port` where it accepts links, up to 16; hints */
  readonly addresses: readonly string[];
  /** raw ML-KEM-768 key */
  readonly kemKey: Uint8Array;
  readonly certificate?: UserCertificate;
  /** 16 random bytes of this life of the process: another one means that it started anew */
  readonly instance?: Uint8Array;
  /** first and last protocol version spoken; those of this implementation when left out */
  readonly versions?: readonly [min: number, max: number];
}

export interface Hello extends HelloFields {
  readonly versions: readonly [min: number, max: number];
  readonly agentKey: Uint8Array;
  readonly agent: AgentId;
  /** the certificate's user, when there is one */
  readonly user?: UserId;
  /** the newest protocol version that both sides speak */
  readonly version: number;
}

const DOMAIN = domain('muster-hello-v1');

/** Bytes of the hello to send. Throws `EncodingError` for a field out of its bounds. */
export async function makeHello(crypto: Crypto, agent: SigningKey, fields: HelloFields, session: HelloSession): Promise<Uint8Array> {
  const body = encodeStrict({
    agent: agent.publicKey,
    addresses: fields.addresses,
    capabilities: fields.capabilities,
    certificate: fields.certificate ? encodeUserCertificate(fields.certificate) : null,
    ...(fields.instance && { instance: fields.instance }),
    kem: fields.kemKey,
    network: idBytes(fields.network),
    software: [fields.software.name, fields.software.version],
    versions: fields.versions ?? [PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX],
  });
  readBody(decodeStrict(body, MAX_HELLO_BYTES));
  const proof = await crypto.sign(agent, proofBytes(crypto, body, session.initiator, session.ownMachine, session.peerMachine, session));
  return encodeStrict([body, proof]);
}

/** Reads the peer's hello of this session. Throws `HelloError`. */
export async function readHello(crypto: Crypto, bytes: Uint8Array, network: NetworkId, session: HelloSession): Promise<Hello> {
  const { body, proof, fields } = decodeHello(bytes);
  const version = commonVersion(fields.versions);
  if (fields.network !== network) throw new HelloError('wrong_network', 'the peer belongs to another network');
  const message = proofBytes(crypto, body, !session.initiator, session.peerMachine, session.ownMachine, session);
  if (!(await crypto.verify(fields.agentKey, message, proof)))
    throw new HelloError('bad_proof', 'the hello is not signed by its agent for this session');
  const { certificateBytes, ...rest } = fields;
  const voucher = certificateBytes && (await readVoucher(crypto, certificateBytes, fields.agentKey));
  return { ...rest, agent: idOfKey<AgentId>(crypto, fields.agentKey), ...voucher, version };
}

function proofBytes(crypto: Crypto, body: Uint8Array, initiator: boolean, from: MachineId, to: MachineId, { exporter }: HelloSession): Uint8Array {
  readBytes(exporter, 'exporter', EXPORTER_BYTES);
  return concat(DOMAIN, exporter, Uint8Array.of(initiator ? 0 : 1), idBytes(from), idBytes(to), crypto.sha256(body));
}

function decodeHello(bytes: Uint8Array) {
  return translated(
    () => {
      const [body, proof] = readTuple(decodeStrict(bytes, MAX_HELLO_BYTES), 'hello', 2);
      const bodyBytes = readBytes(body, 'body', 1, MAX_HELLO_BYTES);
      const fields = readBody(decodeStrict(bodyBytes, MAX_HELLO_BYTES));
      return { body: bodyBytes, proof: readBytes(proof, 'proof', 1, SIGNATURE_BYTES), fields };
    },
    (error) => new HelloError('malformed', error.message, { cause: error }),
  );
}

function readBody(value: unknown) {
  const map = readMap(value, 'body');
  const [min, max] = readTuple(map['versions'], 'versions', 2);
  const [name, version] = readTuple(map['software'], 'software', 2);
  const { certificate, instance } = map;
  return {
    versions: [readCount(min, 'versions'), readCount(max, 'versions')] as const,
    network: idOfBytes<NetworkId>(readBytes(map['network'], 'network', ID_BYTES)),
    agentKey: readBytes(map['agent'], 'agent', 1, PUBLIC_KEY_BYTES),
    kemKey: readBytes(map['kem'], 'kem', 1, KEM_PUBLIC_KEY_BYTES),
    capabilities: readList(map['capabilities'], 'capabilities', MAX_CAPABILITIES).map((item) =>
      readText(item, 'capability', 1, MAX_CAPABILITY_BYTES),
    ),
    software: { name: readText(name, 'software', 1, MAX_SOFTWARE_NAME_BYTES), version: readText(version, 'software', 1, MAX_SOFTWARE_NAME_BYTES) },
    addresses: readList(map['addresses'], 'addresses', MAX_ADDRESSES).map((item) => readText(item, 'address', 1, MAX_ADDRESS_BYTES)),
    ...(instance !== undefined && { instance: readBytes(instance, 'instance', INSTANCE_BYTES) }),
    certificateBytes: certificate === null ? undefined : readBytes(certificate, 'certificate', 1, MAX_CERTIFICATE_BYTES),
  };
}

function commonVersion([min, max]: readonly [number, number]): number {
  const version = Math.min(max, PROTOCOL_VERSION_MAX);
  if (version < min || version < PROTOCOL_VERSION_MIN) {
    throw new HelloError('version', `the peer speaks versions ${min} to ${max}, this node ${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION_MAX}`);
  }
  return version;
}

async function readVoucher(crypto: Crypto, bytes: Uint8Array, agentKey: Uint8Array): Promise<{ certificate: UserCertificate; user: UserId }> {
  try {
    const certificate = decodeUserCertificate(bytes);
    return { certificate, user: await verifyUserCertificate(crypto, certificate, agentKey) };
  } catch (error) {
    if (!(error instanceof UserCertificateError)) throw error;
    throw new HelloError('bad_certificate', error.message, { cause: error });
  }
}
