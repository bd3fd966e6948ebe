/**
 * Finds the first complete JSON value (RFC 8259) in UTF-8 bytes. The compatible API ignores what follows it, and scripts
 * written for that API depend on it, so `JSON.parse` alone would refuse them.
 */

/** Nesting that is still accepted. */
export const MAX_JSON_DEPTH = 127;

export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LITERALS = ['true', 'false', 'null'];
const SIMPLE_ESCAPES = new Set([...'"\\/bfnrt'].map((character) => character.charCodeAt(0)));

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

class Scanner {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  fail(reason: string): never {
    const before = this.bytes.subarray(0, this.at);
    const line = before.reduce((lines, byte) => lines + (byte === 0x0a ? 1 : 0), 1);
    const column = this.at - before.lastIndexOf(0x0a) - 1;
    const what = this.at >= this.bytes.length ? `EOF while parsing ${reason}` : `unexpected byte while parsing ${reason}`;
    throw new JsonSyntaxError(`${what} at line ${line} column ${column}`);
  }

  skipBlanks(): void {
    while (isBlank(this.bytes[this.at])) this.at += 1;
  }

  /** Steps over `byte` when it comes next. */
  take(byte: number): boolean {
    if (this.bytes[this.at] !== byte) return false;
    this.at += 1;
    return true;
  }

  value(depth: number): void {
    this.skipBlanks();
    const first = this.bytes[this.at];
    if (first === QUOTE) this.string();
    else if (first === OPEN_OBJECT) this.members(depth, CLOSE_OBJECT);
    else if (first === OPEN_ARRAY) this.members(depth, CLOSE_ARRAY);
    else if (first === MINUS || isDigit(first)) this.number();
    else this.literal();
  }

  members(depth: number, close: number): void {
    const kind = close === CLOSE_OBJECT ? 'an object' : 'a list';
    if (depth >= MAX_JSON_DEPTH) throw new JsonSyntaxError(`recursion limit exceeded at byte ${this.at}`);
    this.at += 1;
    this.skipBlanks();
    if (this.take(close)) return;
    do {
      if (close === CLOSE_OBJECT) {
        this.skipBlanks();
        if (this.bytes[this.at] !== QUOTE) this.fail(kind);
        this.string();
        this.skipBlanks();
        if (!this.take(COLON)) this.fail(kind);
      }
      this.value(depth + 1);
      this.skipBlanks();
    } while (this.take(COMMA));
    if (!this.take(close)) this.fail(kind);
  }

  string(): void {
    this.at += 1;
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte === undefined || byte < 0x20) this.fail('a string');
      if (byte === BACKSLASH) this.escape();
      else this.at += 1;
      if (byte === QUOTE) return;
    }
  }

  escape(): void {
    this.at += 1;
    const kind = this.bytes[this.at];
    if (kind === 0x75) {
      const unit = this.codeUnit();
      if (unit < 0xd800 || unit > 0xdfff) return;
      // Half of a surrogate pair is no Unicode text: it could not be stored or hashed as UTF-8.
      if (unit > 0xdbff || !this.take(BACKSLASH) || this.bytes[this.at] !== 0x75) this.fail('a surrogate pair');
      const low = this.codeUnit();
      if (low < 0xdc00 || low > 0xdfff) this.fail('a surrogate pair');
    } else if (kind !== undefined && SIMPLE_ESCAPES.has(kind)) this.at += 1;
    else this.fail('an escape');
  }

  /** The four hex digits after `u`. */
  codeUnit(): number {
    this.at += 1;
    const digits = String.fromCharCode(...this.bytes.subarray(this.at, this.at + 4));
    if (!/^[0-9a-fA-F]{4}$/u.test(digits)) this.fail('an escape');
    this.at += 4;
    return Number.parseInt(digits, 16);
  }

  number(): void {
    this.take(MINUS);
    if (this.take(0x30)) {
      if (isDigit(this.bytes[this.at])) this.fail('a number');
    } else this.digits();
    if (this.take(0x2e)) this.digits();
    if (this.take(0x65) || this.take(0x45)) {
      if (!this.take(0x2b)) this.take(MINUS);
      this.digits();
    }
  }

  digits(): void {
    if (!isDigit(this.bytes[this.at])) this.fail('a number');
    while (isDigit(this.bytes[this.at])) this.at += 1;
  }

  literal(): void {
    const found = LITERALS.find((word) => [...word].every((letter, index) => this.bytes[this.at + index] === letter.charCodeAt(0)));
    if (found === undefined) this.fail('a value');
    this.at += found.length;
  }
}

/** Value and the number of bytes it takes, leading blanks included. Throws `JsonSyntaxError`. */
export function parseJsonPrefix(bytes: Uint8Array): { value: unknown; length: number } {
  const scanner = new Scanner(bytes);
  scanner.value(0);
  let text: string;
  try {
    // A byte order mark is no JSON; without `ignoreBOM` it would vanish silently.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, scanner.at));
  } catch {
    throw new JsonSyntaxError('invalid unicode: the text is not UTF-8');
  }
  return { value: JSON.parse(text) as unknown, length: scanner.at };
}

/** Like `parseJsonPrefix`, but only blanks may follow. */
export function parseJson(bytes: Uint8Array): unknown {
  const { value, length } = parseJsonPrefix(bytes);
  for (let at = length; at < bytes.length; at += 1) {
    if (!isBlank(bytes[at])) throw new JsonSyntaxError(`trailing characters at byte ${at}`);
  }
  return value;
}
