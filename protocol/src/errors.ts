/** Base of every error this room throws. `code` is stable and the same on every surface; the message says what is wrong. */
export abstract class ProtocolError<Code extends string = string> extends Error {
  abstract override readonly name: string;
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
