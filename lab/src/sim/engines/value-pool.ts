/** Equal values of all disks kept once: what is announced to a thousand nodes is stored by all of them at about the same time. */
const CAPACITY = 16_384;

export class ValuePool {
  readonly #recent = new Map<string, Uint8Array>();

  /** A copy of the bytes, or one that is there already. */
  keep(bytes: Uint8Array): Uint8Array {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const known = this.#recent.get(text);
    if (known) return known;
    const copy = bytes.slice();
    if (this.#recent.size >= CAPACITY) this.#recent.delete(this.#recent.keys().next().value!);
    this.#recent.set(text, copy);
    return copy;
  }
}
