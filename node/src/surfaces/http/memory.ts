/**
 * The HTTP surface without a server: requests, event streams and sockets of one process, through the same admission, parsing, handlers and
 * answers as those that come over TCP. For networks that are simulated, where no byte may leave the process.
 */
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { AnyRegistry, Capability } from '@muster/contract';
import type { WebSocket } from 'ws';
import type { SocketHandler } from '../../ports/handlers.ts';
import type { Surface } from './exchange.ts';
import { admit, answerRequest } from './exchange.ts';
import { readTarget } from './input.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { type Find, routeTable } from './routes.ts';
import type { HttpOptions } from './serve.ts';
import { WebSocketSession } from './socket-session.ts';

const BOUND_HOST = '127.0.0.1';
/** characters that wait for a reader before the node is told to wait */
const HIGH_WATER = 65_536;
const NORMAL_CLOSURE = 1000;

export interface MemoryRequest {
  readonly method: string;
  /** path and query, percent-encoded */
  readonly target: string;
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface MemoryAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** as they are written; read once; unread ones hold the node back */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** the client leaves */
  close(): void;
}

export interface MemorySocket {
  readonly frames: AsyncIterable<string>;
  /** false: it is closed */
  send(text: string): boolean;
  close(code?: number, reason?: string): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export interface MemorySurface {
  /** Resolves with the head of the answer. Rejects when the node cut it off before one. */
  request(request: MemoryRequest): Promise<MemoryAnswer>;
  /** A refusal is an answer. */
  socket(request: MemoryRequest): Promise<MemorySocket | MemoryAnswer>;
}

export interface MemoryOptions<R extends AnyRegistry> extends Pick<HttpOptions<R>, 'registry' | 'handlers' | 'token' | 'clock' | 'onError'> {
  /** a UUID for each socket */
  readonly sessionId: () => string;
}

/** one table for all nodes of a process */
const tables = new WeakMap<AnyRegistry, Find>();

function tableOf(registry: AnyRegistry): Find {
  let table = tables.get(registry);
  if (!table) tables.set(registry, (table = routeTable(registry, DEFAULT_LIMITS.target)));
  return table;
}

export function memorySurface<R extends AnyRegistry>({ registry, handlers, token, clock, onError, sessionId }: MemoryOptions<R>): MemorySurface {
  const surface: Surface = {
    handlers: handlers as Surface['handlers'],
    find: tableOf(registry),
    token,
    clock,
    limits: DEFAULT_LIMITS,
    onError,
    boundHost: BOUND_HOST,
    streams: 0,
    stopping: false,
  };
  const request: MemorySurface['request'] = (asked) => {
    const abort = new AbortController();
    const response = new MemoryResponse(abort);
    void answerRequest(surface, {
      request: incoming(asked),
      response: response as unknown as ServerResponse,
      expectsContinue: false,
      surplus: false,
      abort,
      streaming: false,
    });
    return response.head;
  };
  return {
    request,
    async socket(asked) {
      const admission = admit(surface, incoming(asked));
      if ('answer' in admission || admission.match.route.capability.shape !== 'socket') return request(asked);
      const input = readTarget(admission.match, admission.target.query);
      if ('refused' in input) return request(asked);
      const { name, capability } = admission.match.route;
      const pipe = new SocketPipe();
      const onFault = (error: unknown): void => onError(error, { capability: name, method: 'GET', path: capability.path });
      const session = new WebSocketSession(pipe as unknown as WebSocket, { capability, clock, onError: onFault, id: sessionId() });
      const closed = new AbortController();
      session.onClose(() => closed.abort(new Error('the socket is closed')));
      (surface.handlers[name] as SocketHandler<Capability>)(session, input.value, { signal: closed.signal, surface: 'ws' });
      session.start();
      return pipe.client;
    },
  };
}

function incoming({ method, target, headers, body }: MemoryRequest): IncomingMessage {
  const bytes = body === undefined ? [] : [Buffer.from(body as string)];
  const length = body === undefined ? {} : { 'content-length': String(bytes[0]!.length) };
  const head = { method, url: target, headers: { host: BOUND_HOST, ...headers, ...length }, complete: true, socket: {} };
  return Object.assign(Readable.from(bytes), head) as unknown as IncomingMessage;
}

/** What one side wrote and the other has not read yet. */
class Line<Part extends { readonly length: number }> implements AsyncIterable<Part> {
  #parts: Part[] = [];
  #over = false;
  #wake: (() => void) | undefined;
  waiting = 0;
  /** called when all is read */
  onRead: () => void = () => {};

  push(part: Part): void {
    this.#parts.push(part);
    this.waiting += part.length;
    this.#wake?.();
  }

  end(): void {
    this.#over = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Part, void, undefined> {
    for (;;) {
      const part = this.#parts.shift();
      if (part !== undefined) {
        this.waiting -= part.length;
        if (this.waiting === 0) this.onRead();
        yield part;
      } else if (this.#over) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** The part of `ServerResponse` that answers are written to. */
class MemoryResponse extends EventEmitter {
  readonly head: Promise<MemoryAnswer>;
  headersSent = false;
  destroyed = false;
  writableFinished = false;
  writableNeedDrain = false;
  readonly #line = new Line<Uint8Array>();
  readonly #answered = Promise.withResolvers<MemoryAnswer>();
  readonly #abort: AbortController;

  constructor(abort: AbortController) {
    super();
    this.#abort = abort;
    this.head = this.#answered.promise;
    this.#line.onRead = () => {
      if (!this.writableNeedDrain) return;
      this.writableNeedDrain = false;
      this.emit('drain');
    };
  }

  writeHead(status: number, headers: Readonly<Record<string, string | number>>): this {
    this.headersSent = true;
    const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    const close = (): void => {
      this.#abort.abort(new Error('the client closed the connection'));
      this.destroy();
    };
    this.#answered.resolve({ status, headers: plain, chunks: this.#line, close });
    return this;
  }

  flushHeaders(): void {}

  write(text: string): boolean {
    if (this.destroyed) return true;
    this.#line.push(Buffer.from(text));
    this.writableNeedDrain = this.#line.waiting > HIGH_WATER;
    return !this.writableNeedDrain;
  }

  end(text = ''): void {
    if (text !== '') this.write(text);
    this.writableFinished = true;
    this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#answered.reject(new Error('the node cut the answer off'));
    this.#line.end();
    this.emit('close');
  }
}

/** The part of a WebSocket that a session works with, and its other end. */
class SocketPipe extends EventEmitter {
  readonly client: MemorySocket;
  bufferedAmount = 0;
  readonly #line = new Line<string>();
  readonly #closed = Promise.withResolvers<{ code: number; reason: string }>();
  #held: string[] = [];
  #paused = false;
  #open = true;

  constructor() {
    super();
    this.client = {
      frames: this.#line,
      closed: this.#closed.promise,
      send: (text) => this.#receive(text),
      close: (code = NORMAL_CLOSURE, reason = '') => this.close(code, reason),
    };
  }

  send(text: string, sent: () => void): void {
    if (!this.#open) return;
    this.#line.push(text);
    this.bufferedAmount = this.#line.waiting;
    sent();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const text of this.#held.splice(0)) this.#receive(text);
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#line.end();
    this.#closed.resolve({ code, reason });
    this.emit('close');
  }

  terminate(): void {
    this.close(1006, '');
  }

  #receive(text: string): boolean {
    if (!this.#open) return false;
    if (this.#paused) this.#held.push(text);
    else this.emit('message', Buffer.from(text), false);
    return true;
  }
}
