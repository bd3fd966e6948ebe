/**
 * A box that only one agent can open: ML-KEM-768 (FIPS 203), HKDF-SHA-256 (RFC 5869), AES-256-GCM (NIST SP 800-38D).
 *
 * context    = encoding([network id (32), sender (32), recipient (32), id (16)])
 * key, nonce = HKDF(shared secret, salt SHA-256(recipient's KEM key ‖ KEM ciphertext), info "muster-sealed-box-v1" NUL ‖ context): 32 + 12 bytes
 * wire       = encoding([version, id (16), KEM ciphertext (1,088), AES-256-GCM(key, nonce, content, associated data context)])
 *
 * Sender and recipient do not stand in the box: whoever opens it says who they must be. Each box has a secret of its own, so no nonce comes twice.
 * The box proves nothing about its sender: what carries it must be signed.
 */
import { concat, domain } from './bytes.ts';
import { KEM_CIPHERTEXT_BYTES, REQUEST_ID_BYTES, SEALED_BOX_OVERHEAD_BYTES } from './constants.ts';
import type { Crypto, KemKey } from './crypto.ts';
import { decodeStrict, encodeStrict, readBytes, readCount, readTuple, translated } from './encoding.ts';
import { ProtocolError } from './errors.ts';
import { idBytes } from './ids.ts';
import type { AgentId, NetworkId } from './ids.ts';

export type SealedBoxReason = 'malformed' | 'version' | 'not_opened'; // changed on the way, for somebody else, or from somebody else

export class SealedBoxError extends ProtocolError<SealedBoxReason> {
  override readonly name = 'SealedBoxError';
  /** what the box says its id is, when it is `not_opened` */
  readonly boxId: Uint8Array | undefined;

  constructor(code: SealedBoxReason, message: string, options: ErrorOptions & { readonly boxId?: Uint8Array } = {}) {
    super(code, message, options);
    this.boxId = options.boxId;
  }
}

export interface BoxRoute {
  readonly network: NetworkId;
  readonly sender: AgentId;
  readonly recipient: AgentId;
}

const DOMAIN = domain('muster-sealed-box-v1');
const VERSION = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** `id` is 16 bytes of the caller's, readable by everyone. Throws an `Error` for a malformed `kemKey`. */
export function sealBox(crypto: Crypto, kemKey: Uint8Array, route: BoxRoute, id: Uint8Array, content: Uint8Array): Uint8Array {
  const { ciphertext, secret } = crypto.encapsulate(kemKey);
  const { key, nonce, context } = derive(crypto, secret, kemKey, ciphertext, route, id);
  return encodeStrict([VERSION, id, ciphertext, crypto.seal(key, nonce, content, context)]);
}

/** `maxBytes` is that of the content. Throws `SealedBoxError`. */
export function openBox(
  crypto: Crypto,
  kemKey: KemKey,
  route: BoxRoute,
  bytes: Uint8Array,
  maxBytes: number,
): { readonly id: Uint8Array; readonly content: Uint8Array } {
  const { id, ciphertext, sealed } = decodeBox(bytes, maxBytes);
  const secret = crypto.decapsulate(kemKey, ciphertext);
  const { key, nonce, context } = derive(crypto, secret, kemKey.publicKey, ciphertext, route, id);
  const content = crypto.open(key, nonce, sealed, context);
  if (!content) throw new SealedBoxError('not_opened', 'the box was changed, or is not one of this sender for this recipient', { boxId: id });
  return { id, content };
}

function derive(crypto: Crypto, secret: Uint8Array, kemKey: Uint8Array, ciphertext: Uint8Array, route: BoxRoute, id: Uint8Array) {
  const { network, sender, recipient } = route;
  readBytes(id, 'id', REQUEST_ID_BYTES);
  const context = encodeStrict([idBytes(network), idBytes(sender), idBytes(recipient), id]);
  const derived = crypto.hkdf(secret, crypto.sha256(kemKey, ciphertext), concat(DOMAIN, context), KEY_BYTES + NONCE_BYTES);
  return { key: derived.subarray(0, KEY_BYTES), nonce: derived.subarray(KEY_BYTES), context };
}

function decodeBox(bytes: Uint8Array, maxBytes: number) {
  return translated(
    () => {
      const value = decodeStrict(bytes, maxBytes + SEALED_BOX_OVERHEAD_BYTES);
      const version = readCount(Array.isArray(value) ? value[0] : undefined, 'version');
      if (version !== VERSION) throw new SealedBoxError('version', `version ${version}, only ${VERSION} is known`);
      const [, id, ciphertext, sealed] = readTuple(value, 'sealed box', 4);
      return {
        id: readBytes(id, 'id', REQUEST_ID_BYTES),
        ciphertext: readBytes(ciphertext, 'ciphertext', KEM_CIPHERTEXT_BYTES),
        sealed: readBytes(sealed, 'sealed', TAG_BYTES, maxBytes + TAG_BYTES),
      };
    },
    (error) => new SealedBoxError('malformed', error.message, { cause: error }),
  );
}
