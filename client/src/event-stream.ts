import type { Capability } from '@muster/contract';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { readAnswer } from './answer.ts';
import { ContractError } from './errors.ts';
import type { WireStream } from './transport.ts';

/**
 * The events of a stream, read once. The request is under way as soon as the stream exists; `opened` resolves when the node
 * has accepted it, so what happens from then on is not missed. Events that are not declared are skipped.
 * Ends when the node ends it or on `close`; throws `ConnectionError` when the connection is cut, `RefusedError` when the node
 * refuses, `ContractError` when an event is malformed.
 */
export class EventStream<Event> implements AsyncIterable<Event>, AsyncDisposable {
  readonly opened: Promise<void>;
  readonly #events: AsyncGenerator<Event>;
  readonly #stop: AbortController;

  constructor(
    capability: Capability,
    open: (signal: AbortSignal) => Promise<WireStream>,
    options: { signal?: AbortSignal; onComment?: (text: string) => void },
  ) {
    this.#stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, this.#stop.signal]) : this.#stop.signal;
    const accepted = open(signal).then((stream) => refuseUnlessOpen(capability, stream));
    this.opened = accepted.then(() => undefined);
    // A reader learns of the failure from the iteration; nobody has to look at `opened`.
    this.opened.catch(() => undefined);
    this.#events = readEvents<Event>(capability, accepted, this.#stop.signal, options.onComment);
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    return this.#events;
  }

  /** Ends the stream; an iteration that waits ends too. */
  close(): void {
    this.#stop.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

async function refuseUnlessOpen(capability: Capability, stream: WireStream): Promise<WireStream> {
  if (stream.status === 200) return stream;
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.chunks) chunks.push(chunk);
  readAnswer(capability, { status: stream.status, headers: stream.headers, body: Buffer.concat(chunks) });
  throw new ContractError(capability.name, `answered ${stream.status} instead of a stream`, undefined);
}

async function* readEvents<Event>(
  capability: Capability,
  opening: Promise<WireStream>,
  stopped: AbortSignal,
  onComment?: (text: string) => void,
): AsyncGenerator<Event> {
  const arrived: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => arrived.push(event), ...(onComment && { onComment }) });
  const decoder = new TextDecoder();
  try {
    const stream = await opening;
    try {
      for await (const chunk of stream.chunks) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        for (const message of arrived.splice(0)) {
          const event = readEvent(capability, message);
          if (event !== undefined) yield event as Event;
        }
      }
    } finally {
      stream.close();
    }
  } catch (error) {
    if (!stopped.aborted) throw error;
  }
}

function readEvent(capability: Capability, message: EventSourceMessage): { event: string; data: unknown } | undefined {
  const event = message.event ?? 'message';
  const schema = Object.hasOwn(capability.events, event) ? capability.events[event] : undefined;
  if (!schema) return undefined;
  let data: unknown;
  try {
    data = JSON.parse(message.data);
  } catch {
    throw new ContractError(capability.name, `event ${event} is no JSON`, message.data);
  }
  const parsed = schema.safeParse(data);
  if (parsed.success) return { event, data: parsed.data };
  const issue = parsed.error.issues[0];
  throw new ContractError(capability.name, `event ${event}: ${issue?.path.join('.')}: ${issue?.message}`, data);
}
