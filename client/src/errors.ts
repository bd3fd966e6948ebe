import { CapabilityError } from '@muster/contract';

/** The node refused. `message` is its `error` (or its text), `extra` the other keys, `body` the answer as received. */
export class RefusedError extends CapabilityError {
  readonly capability: string;
  /** parsed JSON, or text */
  readonly body: unknown;

  constructor(capability: string, status: number, body: unknown) {
    const { message, extra } = explain(status, body);
    super(status, message, extra);
    this.capability = capability;
    this.body = body;
  }
}

function explain(status: number, body: unknown): { message: string; extra: Record<string, unknown> } {
  if (typeof body !== 'object' || body === null) return { message: typeof body === 'string' && body !== '' ? body : `HTTP ${status}`, extra: {} };
  const { ok: _, error, ...extra } = body as Record<string, unknown>;
  return { message: typeof error === 'string' ? error : `HTTP ${status}`, extra };
}

/** The node answered something that the contract does not allow. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
  readonly capability: string;
  readonly body: unknown;

  constructor(capability: string, reason: string, body: unknown) {
    super(`${capability}: ${reason}`);
    this.capability = capability;
    this.body = body;
  }
}

/** There was no answer, or not all of it. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** false: no connection was made, so the request certainly had no effect; true: it may have had */
  readonly sent: boolean;

  constructor(message: string, sent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.sent = sent;
  }
}
