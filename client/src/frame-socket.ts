import type { Capability } from '@muster/contract';
import { ContractError } from './errors.ts';
import type { WireSocket } from './transport.ts';

/** A WebSocket of typed frames. Iterating gives what the node sends, read once; frames that are not declared are skipped. */
export class FrameSocket<Received, Sent> implements AsyncIterable<Received>, AsyncDisposable {
  readonly #capability: Capability;
  readonly #wire: WireSocket;
  readonly #frames: AsyncGenerator<Received>;

  constructor(capability: Capability, wire: WireSocket) {
    this.#capability = capability;
    this.#wire = wire;
    this.#frames = this.#read();
  }

  /** close code and reason, once closed by either side */
  get closed(): Promise<{ readonly code: number; readonly reason: string }> {
    return this.#wire.closed;
  }

  [Symbol.asyncIterator](): AsyncIterator<Received> {
    return this.#frames;
  }

  /** Throws `ConnectionError` when closed. */
  send(frame: Sent): void {
    this.#wire.send(JSON.stringify(frame));
  }

  /** Sends text as it is, a frame or not. */
  sendText(text: string): void {
    this.#wire.send(text);
  }

  close(code?: number, reason?: string): void {
    this.#wire.close(code, reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close(1000);
    await this.closed;
  }

  async *#read(): AsyncGenerator<Received> {
    for await (const text of this.#wire.frames) {
      const frame = this.#frame(text);
      if (frame !== undefined) yield frame as Received;
    }
  }

  #frame(text: string): unknown {
    const { name, events } = this.#capability;
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      throw new ContractError(name, 'frame is no JSON', text);
    }
    const type = typeof frame === 'object' && frame !== null && 'type' in frame ? String(frame.type) : '';
    const schema = Object.hasOwn(events, type) ? events[type] : undefined;
    if (!schema) return undefined;
    const parsed = schema.safeParse(frame);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new ContractError(name, `frame ${type}: ${issue?.path.join('.')}: ${issue?.message}`, frame);
  }
}
