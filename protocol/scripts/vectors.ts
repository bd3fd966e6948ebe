/** What the vector files hold. Signatures and ciphertexts come from a vault, everything else from fixed seeds. */
import type { Crypto, SigningKey } from '../src/crypto.ts';
import { toHex } from '../src/bytes.ts';
import { cardVectors } from './vectors/card.ts';
import { rendezvousVectors, topicVectors } from './vectors/discovery.ts';
import { envelopeVectors } from './vectors/envelope.ts';
import { letterVectors, sealedBoxVectors } from './vectors/sealed.ts';
import { helloVectors, userCertificateVectors } from './vectors/hello.ts';
import { directVectors, frameVectors, idVectors, kemVectors, signingVectors, trustVectors, wordVectors } from './vectors/plain.ts';

/** A vector file: what it is about, and its cases. */
export interface VectorFile {
  readonly about: string;
  readonly cases: readonly object[];
}

/** `signatures`: hex by SHA-256(public key ‖ message). `ciphertexts`: hex by SHA-256(KEM key). */
interface Stored {
  readonly about: string;
  readonly signatures: Record<string, string>;
  readonly ciphertexts: Record<string, string>;
}

export interface Vault {
  /** the protocol's cryptography, whose signatures and random bytes are the same in every run */
  readonly crypto: Crypto;
  /** a ciphertext for the key, the same in every run */
  ciphertext(kemPublicKey: Uint8Array): Uint8Array;
  /** what was used in this run: nothing else is kept */
  readonly used: Stored;
}

const ABOUT =
  'Random values of the other files, kept so that regenerating changes nothing: signatures by SHA-256(public key || message), ciphertexts by SHA-256(public key).';

/** Keeps a stored signature that still verifies for the same key and bytes; makes a new one otherwise. */
export function openVault(crypto: Crypto, stored: unknown): Vault {
  const known = (stored ?? { signatures: {}, ciphertexts: {} }) as Stored;
  const used: Stored = { about: ABOUT, signatures: {}, ciphertexts: {} };
  let draws = 0;

  async function sign(key: SigningKey, message: Uint8Array): Promise<Uint8Array> {
    const name = toHex(crypto.sha256(key.publicKey, message));
    const kept = Buffer.from(used.signatures[name] ?? known.signatures[name] ?? '', 'hex');
    const signature = (await crypto.verify(key.publicKey, message, kept)) ? new Uint8Array(kept) : await crypto.sign(key, message);
    used.signatures[name] = toHex(signature);
    return signature;
  }

  function ciphertext(publicKey: Uint8Array): Uint8Array {
    const name = toHex(crypto.sha256(publicKey));
    const kept = known.ciphertexts[name];
    const bytes = kept === undefined ? crypto.encapsulate(publicKey).ciphertext : new Uint8Array(Buffer.from(kept, 'hex'));
    used.ciphertexts[name] = toHex(bytes);
    return bytes;
  }

  function randomBytes(length: number): Uint8Array {
    draws++;
    return crypto.sha256(Uint8Array.of(draws)).subarray(0, length);
  }

  return { crypto: { ...crypto, sign, randomBytes }, ciphertext, used };
}

/** Every file by its name; the last one is the vault's. */
export async function makeVectors(crypto: Crypto, vault: Vault): Promise<ReadonlyMap<string, object>> {
  const files = new Map<string, object>([
    ['ids.json', idVectors(crypto)],
    ['words.json', wordVectors()],
    ['envelope.json', await envelopeVectors(vault.crypto)],
    ['hello.json', await helloVectors(vault.crypto)],
    ['user-certificate.json', await userCertificateVectors(vault.crypto)],
    ['card.json', await cardVectors(vault.crypto)],
    ['rendezvous.json', await rendezvousVectors(vault.crypto)],
    ['discovery-topics.json', topicVectors()],
    ['kem.json', kemVectors(vault)],
    ['frames.json', frameVectors()],
    ['trust.json', trustVectors()],
    ['direct.json', directVectors(crypto)],
    ['sealed-box.json', sealedBoxVectors(vault)],
    ['letter.json', await letterVectors(vault.crypto)],
    ['signing.json', await signingVectors(vault.crypto)],
  ]);
  return files.set('stored.json', vault.used);
}
