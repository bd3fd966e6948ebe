/** The key files of an instance. */
import { join } from 'node:path';
import { type Config, type KeyKind, nodeCrypto } from '@muster/node/host';

export interface KeyFile {
  readonly kind: KeyKind;
  readonly path: string;
}

/** The agent, which is who it is, last: whoever finds it finds the others. */
export function keyFiles({ identityDir }: Config): readonly KeyFile[] {
  return [
    { kind: 'machine', path: join(identityDir, 'machine.key') },
    { kind: 'agent-kem', path: join(identityDir, 'agent_kem.key') },
    { kind: 'agent', path: join(identityDir, 'agent.key') },
  ];
}

/** The id that goes with the seed of a signing key: hex of the SHA-256 of its public key. */
export function idOfSeed(seed: Uint8Array): string {
  const crypto = nodeCrypto();
  return Buffer.from(crypto.sha256(crypto.signingKey(seed).publicKey)).toString('hex');
}
