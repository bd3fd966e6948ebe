/** A small registry that has every body policy, shape and kind of authorization, its handlers, and plain clients to drive them. */
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { agentId, anyText, base64, capability, CapabilityError, count } from '@muster/contract';
import { vi } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Clock } from '../../ports/index.ts';
import { EventQueue } from '../../ports/event-queue.ts';
import type { Handlers, SocketSession } from '../../ports/handlers.ts';
import { Reply } from '../../ports/handlers.ts';
import type { Failure } from './exchange.ts';
import type { HttpOptions, HttpSurface } from './index.ts';
import { serveHttp } from './index.ts';

export const TOKEN = 'f00d'.repeat(16);
export const ID = 'ab'.repeat(32);

const surfaces = { cli: { absent: 'test' }, client: true, ws: { absent: 'test' }, mcp: { absent: 'test' } } as const;
const common = { auth: 'bearer', body: 'none', status: [200], surfaces, summary: 'test' } as const;
const ticks = { tick: z.object({ n: z.number(), pad: z.string().optional() }), 'file:offer': z.object({ id: z.string() }) };
const frames = {
  ping: z.object({ type: z.literal('ping') }),
  shout: z.object({ type: z.literal('shout'), text: z.string() }),
  find: z.object({ type: z.literal('find'), agent_id: agentId() }),
};

export const registry = {
  'demo.health': capability({
    ...common,
    name: 'demo.health',
    method: 'GET',
    path: '/health',
    auth: 'open',
    input: z.object({}),
    output: z.object({ status: z.string() }),
    shape: 'object',
  }),
  'demo.reset': capability({
    ...common,
    name: 'demo.reset',
    method: 'DELETE',
    path: '/health',
    input: z.object({}),
    output: z.object({}),
    shape: 'object',
  }),
  'demo.charter': capability({
    ...common,
    name: 'demo.charter',
    method: 'GET',
    path: '/constitution',
    aliases: ['/charter'],
    auth: 'open',
    input: z.object({}),
    output: z.string(),
    shape: 'text',
    contentType: 'text/markdown; charset=utf-8',
  }),
  'demo.card': capability({
    ...common,
    name: 'demo.card',
    method: 'GET',
    path: '/card',
    input: z.object({ peer: z.string().optional() }),
    output: z.object({ name: z.string() }),
    shape: 'bare',
    refusal: 'bare',
  }),
  'notes.get': capability({
    ...common,
    name: 'notes.get',
    method: 'GET',
    path: '/notes/:agent_id',
    input: z.object({ agent_id: agentId(), unfiltered: z.boolean().optional() }),
    output: z.object({ agent_id: z.string() }),
    shape: 'object',
  }),
  'notes.add': capability({
    ...common,
    name: 'notes.add',
    method: 'POST',
    path: '/notes',
    body: 'json-prefix',
    input: z.object({ name: z.string(), payload: base64().optional() }),
    output: z.object({ name: z.string() }),
    shape: 'object',
    status: [201, 200],
  }),
  'notes.replace': capability({
    ...common,
    name: 'notes.replace',
    method: 'PUT',
    path: '/notes/:id',
    body: 'json-prefix',
    unknown: 'deny',
    input: z.object({ id: anyText('n'), size: count() }),
    output: z.object({ id: z.string(), size: z.number() }),
    shape: 'object',
  }),
  'notes.remove': capability({
    ...common,
    name: 'notes.remove',
    method: 'DELETE',
    path: '/notes/:agent_id',
    input: z.object({ agent_id: agentId() }),
    output: z.undefined(),
    shape: 'empty',
    status: [204],
  }),
  'notes.pin': capability({
    ...common,
    name: 'notes.pin',
    method: 'POST',
    path: '/notes/:id/pin',
    input: z.object({ id: anyText('n') }),
    output: z.object({ id: z.string() }),
    shape: 'object',
  }),
  'demo.announce': capability({
    ...common,
    name: 'demo.announce',
    method: 'POST',
    path: '/announce',
    body: 'strict-optional',
    input: z.object({ loud: z.boolean().default(false) }),
    output: z.object({ loud: z.boolean() }),
    shape: 'object',
  }),
  'demo.reject': capability({
    ...common,
    name: 'demo.reject',
    method: 'POST',
    path: '/reject/:id',
    body: 'tolerant',
    input: z.object({ id: anyText('n'), reason: z.string().default('none') }),
    output: z.object({ id: z.string(), reason: z.string() }),
    shape: 'object',
  }),
  'demo.broken': capability({
    ...common,
    name: 'demo.broken',
    method: 'POST',
    path: '/broken',
    input: z.object({}),
    output: z.object({}),
    shape: 'object',
  }),
  'demo.slow': capability({
    ...common,
    name: 'demo.slow',
    method: 'POST',
    path: '/slow',
    input: z.object({}),
    output: z.object({}),
    shape: 'object',
  }),
  'demo.ticks': capability({
    ...common,
    name: 'demo.ticks',
    method: 'GET',
    path: '/ticks',
    auth: 'query',
    input: z.object({}),
    output: z.undefined(),
    shape: 'stream',
    keepAliveMs: 15_000,
    events: ticks,
  }),
  'demo.quiet': capability({
    ...common,
    name: 'demo.quiet',
    method: 'GET',
    path: '/quiet',
    input: z.object({ fail: z.boolean().optional() }),
    output: z.undefined(),
    shape: 'stream',
    events: ticks,
  }),
  'demo.socket': capability({
    ...common,
    name: 'demo.socket',
    method: 'GET',
    path: '/ws',
    auth: 'query',
    input: z.object({ room: z.string().optional() }),
    output: z.undefined(),
    shape: 'socket',
    status: [101],
    events: {
      connected: z.object({ session_id: z.string() }),
      heard: z.object({ text: z.string(), room: z.string().optional() }),
      pong: z.object({}),
      error: z.object({ message: z.string() }),
    },
    frames,
  }),
};

type Tick = { event: 'tick'; data: { n: number; pad?: string } } | { event: 'file:offer'; data: { id: string } };
type Session = SocketSession<(typeof registry)['demo.socket']>;

/** Time that passes when told to. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ due: number; every: number | undefined; task: () => void }>();

  now = (): number => this.#now;
  monotonic = (): number => this.#now;
  after = (ms: number, task: () => void): Disposable => this.#add(ms, undefined, task);
  every = (ms: number, task: () => void): Disposable => this.#add(ms, ms, task);

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.after(ms, resolve);
      signal?.addEventListener('abort', () => (timer[Symbol.dispose](), reject(signal.reason)));
    });
  }

  /** timers that have not fired */
  get waiting(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      this.#now = next.due;
      if (next.every === undefined) this.#timers.delete(next);
      else next.due += next.every;
      next.task();
    }
    this.#now = end;
  }

  #add(ms: number, every: number | undefined, task: () => void): Disposable {
    const timer = { due: this.#now + ms, every, task };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }
}

/** A running surface and what its handlers saw. */
export class Demo implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly failures: { error: unknown; failure: Failure }[] = [];
  readonly queues: EventQueue<Tick>[] = [];
  readonly sessions: Session[] = [];
  readonly shouted: string[] = [];
  /** signals of the calls to /slow, and what lets them go on */
  readonly slow: { signal: AbortSignal; finish: () => void }[] = [];
  added: string[] = [];
  closedStreams = 0;
  closedSockets = 0;
  surface!: HttpSurface;

  static async start(options: Partial<HttpOptions<typeof registry>> = {}): Promise<Demo> {
    const demo = new Demo();
    demo.surface = await serveHttp({
      registry,
      handlers: demo.handlers(),
      token: () => TOKEN,
      address: '127.0.0.1:0',
      clock: demo.clock,
      onError: (error, failure) => demo.failures.push({ error, failure }),
      ...options,
    });
    return demo;
  }

  get address(): string {
    return this.surface.address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopped = this.surface[Symbol.asyncDispose]();
    // What a test left open is not waited for.
    await Promise.resolve();
    this.clock.advance(10_000);
    await stopped;
  }

  handlers(): Handlers<typeof registry> {
    return {
      'demo.health': () => ({ status: 'healthy' }),
      'demo.reset': () => ({}),
      'demo.charter': () => '# Charter\n',
      'demo.card': ({ peer }) => {
        if (peer !== undefined) throw new CapabilityError(403, 'blocked', { peer });
        return { name: 'demo' };
      },
      'notes.get': ({ agent_id }) => ({ agent_id }),
      'notes.add': ({ name }) => {
        const known = this.added.includes(name);
        this.added.push(name);
        return known ? Reply.of(200, { name }) : { name };
      },
      'notes.replace': ({ id, size }) => ({ id, size }),
      'notes.remove': () => {},
      'notes.pin': ({ id }) => ({ id }),
      'demo.announce': ({ loud }) => ({ loud }),
      'demo.reject': ({ id, reason }) => ({ id, reason }),
      'demo.broken': () => {
        throw new TypeError('a defect: secret detail');
      },
      'demo.slow': async (_input, { signal }) => {
        await new Promise<void>((resolve) => {
          this.slow.push({ signal, finish: resolve });
          signal.addEventListener('abort', () => resolve());
        });
        return {};
      },
      'demo.ticks': () => this.#stream(),
      'demo.quiet': ({ fail }) => {
        if (fail) throw new CapabilityError(503, 'network not initialized');
        return this.#stream();
      },
      'demo.socket': (session, { room }) => {
        if (room === 'broken') throw new TypeError('a defect');
        this.sessions.push(session);
        session.send({ type: 'connected', session_id: session.id });
        session.onClose(() => this.closedSockets++);
        session.onFrame((frame) => {
          const text = frame.type === 'shout' ? frame.text : frame.agent_id;
          if (text === 'refuse') throw new CapabilityError(403, 'agent is blocked');
          if (text === 'break') throw new TypeError('a defect');
          this.shouted.push(text);
          session.send({ type: 'heard', text: text, room });
        });
      },
    };
  }

  #stream() {
    const queue = new EventQueue<Tick>(100);
    this.queues.push(queue);
    return {
      events: queue,
      close: () => {
        this.closedStreams++;
        queue.close();
      },
    };
  }
}

export interface Reaction {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Question {
  readonly token?: string | false;
  readonly headers?: Readonly<Record<string, string>>;
  /** sent with a Content-Length, or chunked */
  readonly body?: string | Buffer;
  readonly chunked?: boolean;
}

/** One request on a connection of its own; with the token unless told otherwise. */
export function ask(demo: Demo, method: string, path: string, { token = TOKEN, headers = {}, body, chunked }: Question = {}): Promise<Reaction> {
  return new Promise((resolve, reject) => {
    const [host, port] = demo.address.split(/:(?=\d+$)/) as [string, string];
    const sized = body !== undefined && !chunked ? { 'content-length': String(Buffer.byteLength(body)) } : {};
    const asking = request(
      {
        host: host.replace(/[[\]]/g, ''),
        port,
        method,
        path,
        agent: false,
        headers: { ...(token !== false && { authorization: `Bearer ${token}` }), ...sized, ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text })).on('error', reject);
      },
    );
    asking.on('error', reject);
    if (body !== undefined) asking.write(body);
    asking.end();
  });
}

/** A bare TCP connection. */
export function talk(demo: Demo, bytes?: string | Buffer) {
  const [host, port] = demo.address.split(/:(?=\d+$)/) as [string, string];
  const socket = connect({ host, port: Number(port) });
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => {});
  if (bytes !== undefined) socket.write(bytes);
  return {
    socket,
    closed,
    received: () => received,
    /** waits for what the pattern describes */
    until: (pattern: RegExp) =>
      vi.waitFor(() => pattern.exec(received) ?? Promise.reject(new Error(`not ${pattern}: ${received.slice(-300)}`)), {
        timeout: 5_000,
        interval: 5,
      }),
  };
}

/** A request as it stands on the wire, with the token. */
export function wire(line: string, headers: readonly string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${TOKEN}`, ...headers, '', body].join('\r\n');
}

export interface Told {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A WebSocket client that keeps what it was told. */
export function openSocket(demo: Demo, path = `/ws?token=${TOKEN}`) {
  const socket = new WebSocket(`ws://${demo.address}${path}`, { perMessageDeflate: false });
  const told: Told[] = [];
  socket.on('message', (data: Buffer) => told.push(JSON.parse(data.toString()) as Told));
  socket.on('error', () => {});
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  return {
    socket,
    told,
    closed,
    say: (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    untilTold: (type: string, times = 1) => until(() => told.filter((frame) => frame.type === type).length >= times),
  };
}

/** Waits until the condition holds. */
export function until(condition: () => boolean): Promise<void> {
  return vi.waitFor(
    () => {
      if (!condition()) throw new Error(`did not become true: ${condition}`);
    },
    { timeout: 5_000, interval: 5 },
  );
}
