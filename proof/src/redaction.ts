/** Keeps secret strings out of evidence: as they are, percent-encoded, and in base64 (plain and URL-safe). */
const replacement = '[secret]';
const shortest = 8;

export class Redactor {
  /** longest first */
  #variants: readonly string[] = [];
  /** the same as they look inside JSON text */
  #escaped: readonly string[] = [];

  /** @throws RangeError for a secret under 8 characters: replacing it would deface the evidence */
  add(secret: string): void {
    if (secret.length < shortest) throw new RangeError(`a secret to redact needs at least ${shortest} characters`);
    const base64 = Buffer.from(secret, 'utf8').toString('base64');
    const plain = base64.replace(/=+$/, '');
    const urlSafe = plain.replaceAll('+', '-').replaceAll('/', '_');
    const forms = new Set([...this.#variants, secret, encodeURIComponent(secret), base64, plain, urlSafe]);
    this.#variants = [...forms].toSorted((a, b) => b.length - a.length);
    this.#escaped = this.#variants.map((form) => JSON.stringify(form).slice(1, -1));
  }

  /** true when a text holds a secret, as it is or as JSON writes it */
  finds(text: string): boolean {
    return this.findsIn(text) || this.#variants.some((form) => text.includes(form));
  }

  text(text: string): string {
    let clean = text;
    for (const form of this.#variants) clean = clean.replaceAll(form, replacement);
    return clean;
  }

  /** Bytes of a log: replaced without touching any other byte, whatever its encoding. */
  bytes(bytes: Uint8Array): Uint8Array {
    let text = Buffer.from(bytes).toString('latin1');
    for (const form of this.#variants) {
      text = text.replaceAll(Buffer.from(form, 'utf8').toString('latin1'), replacement);
    }
    return Buffer.from(text, 'latin1');
  }

  /** Strings, keys and numbers inside a JSON value. Returns the same value when there was nothing to replace. */
  json<T>(value: T): T {
    const text = JSON.stringify(value);
    return text === undefined || !this.findsIn(text) ? value : (this.#walk(value) as T);
  }

  /** true when serialised JSON holds a secret */
  findsIn(serialised: string): boolean {
    return this.#escaped.some((form) => serialised.includes(form));
  }

  #walk(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.findsIn(String(value)) ? replacement : value;
    if (Array.isArray(value)) return value.map((item) => this.#walk(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.text(key), this.#walk(item)]));
  }
}
