/** The HTTP server: connections, limits, upgrades and the graceful end. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AnyRegistry, Capability } from '@muster/contract';
import { MAX_BODY_BYTES } from '@muster/contract';
import { WebSocketServer } from 'ws';
import type { Clock } from '../../ports/index.ts';
import type { Handlers, SocketHandler } from '../../ports/handlers.ts';
import { Connection, refuseBytes } from './connection.ts';
import type { Exchange, Failure, Surface } from './exchange.ts';
import { admit, answerRequest, isUpgrade } from './exchange.ts';
import type { Input } from './input.ts';
import { readTarget } from './input.ts';
import type { HttpLimits } from './limits.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { createServer } from './node-http.ts';
import type { Route } from './routes.ts';
import { routeTable } from './routes.ts';
import { WebSocketSession } from './socket-session.ts';

export interface HttpOptions<R extends AnyRegistry> {
  readonly registry: R;
  readonly handlers: Handlers<R>;
  /** the bearer token of now; the empty string lets nobody in */
  readonly token: () => string;
  /** `host:port` to listen on, IPv6 in brackets; port 0 takes a free one */
  readonly address: string;
  readonly clock: Clock;
  readonly limits?: Partial<HttpLimits>;
  /** Told once of every failure that is nobody's documented refusal: a defect. The client saw 500 `internal error`, or its stream cut. */
  readonly onError: (error: unknown, failure: Failure) => void;
}

/** Disposing stops it: nothing new is accepted, streams and sockets end at once, calls in flight get 2 s. Idempotent. */
export interface HttpSurface extends AsyncDisposable {
  /** `host:port` bound to */
  readonly address: string;
  /** what is open now; `streams` counts event streams and sockets */
  counts(): { readonly connections: number; readonly streams: number };
}

/** Serves a registry over REST, server-sent events and WebSocket. Rejects when the address cannot be bound. */
export async function serveHttp<R extends AnyRegistry>(options: HttpOptions<R>): Promise<HttpSurface> {
  const { clock, onError } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const [host, port] = splitAddress(options.address);
  const surface: Surface = {
    // Which handler belongs to which capability was checked where `Handlers<R>` was written.
    handlers: options.handlers as Surface['handlers'],
    find: routeTable(options.registry, limits.target),
    token: options.token,
    clock,
    limits,
    onError,
    boundHost: host,
    streams: 0,
    stopping: false,
  };
  const connections = new Map<Duplex, Connection>();
  const exchanges = new Set<Exchange>();
  const sessions = new Set<WebSocketSession>();
  const webSockets = new WebSocketServer({ noServer: true, maxPayload: MAX_BODY_BYTES, perMessageDeflate: false, clientTracking: false });

  const server = createServer({
    maxHeaderSize: limits.head,
    headersTimeout: limits.headMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.min(limits.headMs, 1_000),
    keepAliveTimeout: limits.idleMs,
    shouldUpgradeCallback: (request) => socketFor(request) !== undefined,
  });
  // Above the limit there is an answer; far above it, the connection is dropped.
  server.maxConnections = limits.connections * 2;

  server.on('connection', (socket: Socket) => {
    connections.set(socket, new Connection(connections.size >= limits.connections && !dropSpare()));
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (request, response) => accept(request, response, false));
  server.on('checkContinue', (request, response) => accept(request, response, true));
  server.on('upgrade', upgrade);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseBytes(error, socket, connections.get(socket), clock));

  /** Closes the oldest connection that is kept for a next request, else the oldest that never made one; false when there is none. */
  function dropSpare(): boolean {
    const all = [...connections];
    const spare = all.find(([, connection]) => connection.spare) ?? all.find(([, connection]) => connection.unasked);
    if (spare === undefined) return false;
    connections.delete(spare[0]);
    spare[0].destroy();
    return true;
  }

  function accept(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const connection = connections.get(request.socket);
    if (connection === undefined || connection.pending >= limits.pipelined) return void request.socket.destroy();
    connection.run(request.socket, async () => {
      const exchange: Exchange = { request, response, expectsContinue, surplus: connection.surplus, abort: new AbortController(), streaming: false };
      exchanges.add(exchange);
      const closed = new Promise<void>((resolve) => {
        response.once('close', () => {
          exchanges.delete(exchange);
          if (!response.writableFinished) exchange.abort.abort(new Error('the client closed the connection'));
          resolve();
        });
      });
      void answerRequest(surface, exchange);
      // A handler may go on after its client left; the connection does not wait for it.
      await closed;
    });
  }

  /** The socket capability that this request may be upgraded to; `undefined` leaves it to `accept`, which says why not. */
  function socketFor(request: IncomingMessage): { route: Route; input: Input } | undefined {
    const connection = connections.get(request.socket);
    if (!isUpgrade(request) || connection === undefined || connection.surplus || connection.pending > 0) return undefined;
    if (surface.stopping || surface.streams >= limits.streams) return undefined;
    const admission = admit(surface, request);
    if ('answer' in admission || admission.match.route.capability.shape !== 'socket') return undefined;
    const input = readTarget(admission.match, admission.target.query);
    return 'refused' in input ? undefined : { route: admission.match.route, input };
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const found = socketFor(request);
    // Only Node before 24.9 asks for an upgrade that `shouldUpgradeCallback` would have refused.
    if (found === undefined) return void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    const { route, input } = found;
    connections.get(socket)!.upgraded = true;
    surface.streams++;
    socket.once('close', () => surface.streams--);
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const failure = { capability: route.name, method: 'GET', path: route.capability.path };
      const session = new WebSocketSession(webSocket, { capability: route.capability, clock, onError: (error) => onError(error, failure) });
      const closed = new AbortController();
      sessions.add(session);
      session.onClose(() => sessions.delete(session));
      session.onClose(() => closed.abort(new Error('the socket is closed')));
      try {
        const handle = surface.handlers[route.name] as SocketHandler<Capability>;
        handle(session, input.value, { signal: closed.signal, surface: 'ws' });
        session.start();
      } catch (error) {
        onError(error, failure);
        session.close(1011, 'internal error');
      }
    });
  }

  async function stop(): Promise<void> {
    surface.stopping = true;
    const gone = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.close(1001, 'the node is stopping');
    for (const { streaming, abort } of exchanges) if (streaming) abort.abort(new Error('the node is stopping'));
    const finished = Promise.all([...connections.values()].map((connection) => connection.idle()));
    const grace = new AbortController();
    await Promise.race([Promise.all([finished, ...[...sessions].map((session) => session.closed)]), clock.sleep(limits.stopMs, grace.signal)]);
    grace.abort();
    for (const { abort } of exchanges) abort.abort(new Error('the node is stopping'));
    for (const session of sessions) session.terminate();
    server.closeAllConnections();
    await gone;
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  let stopped: Promise<void> | undefined;
  return {
    address: bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`,
    counts: () => ({ connections: connections.size, streams: surface.streams }),
    [Symbol.asyncDispose]: () => (stopped ??= stop()),
  };
}

function splitAddress(address: string): [host: string, port: number] {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined) throw new RangeError(`not an address to listen on: ${address} (expected host:port)`);
  return [host, Number(port)];
}
