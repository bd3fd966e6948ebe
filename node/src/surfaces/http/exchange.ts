/** One request, from its head to the end of its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Capability } from '@muster/contract';
import { refusalBody } from '@muster/contract';
import type { Clock } from '../../ports/index.ts';
import type { Handler, LiveStream, SocketHandler, StreamHandler } from '../../ports/handlers.ts';
import type { Answer } from './answer.ts';
import { empty, json, send, success, text } from './answer.ts';
import { refusalOf } from '../refusal.ts';
import { ClientGone } from './body.ts';
import type { StreamEvent } from './event-stream.ts';
import { STREAM_HEADERS, writeEvents } from './event-stream.ts';
import { corsHeaders, hasToken, isAllowedHost } from './guard.ts';
import type { Input } from './input.ts';
import { readInput } from './input.ts';
import type { HttpLimits } from './limits.ts';
import { isOwnBrowser } from './own-browser.ts';
import type { Find, Match, Route } from './routes.ts';

/** Where a failure that is nobody's documented refusal happened. */
export interface Failure {
  /** name of the capability, when one had been found */
  readonly capability?: string;
  readonly method: string;
  /** without the query, which may carry a token */
  readonly path: string;
}

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** the client sent `Expect: 100-continue` and holds its body back */
  readonly expectsContinue: boolean;
  /** its connection is one too many */
  readonly surplus: boolean;
  /** aborted when the answer is no longer wanted */
  readonly abort: AbortController;
  /** answers with an event stream, which does not end by itself */
  streaming: boolean;
}

/** What every request of one surface shares. */
export interface Surface {
  readonly handlers: Readonly<Record<string, Handler<Capability> | StreamHandler<Capability> | SocketHandler<Capability>>>;
  readonly find: Find;
  readonly token: () => string;
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly onError: (error: unknown, failure: Failure) => void;
  /** host part of the address bound to */
  readonly boundHost: string;
  /** open event streams and sockets */
  streams: number;
  stopping: boolean;
}

interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** An answer that is final before any handler is asked, or the route to go on with. */
export type Admission =
  | { readonly answer: Answer; readonly cors: boolean }
  | { readonly match: Match & { readonly route: Route }; readonly target: Target };

/** Splits a request target; absolute form (`GET http://host/path`) is accepted as RFC 9112 §3.2.2 wants. */
function splitTarget(url: string): { authority: string | undefined; target: Target } {
  const absolute = /^https?:\/\/([^/?#]*)/i.exec(url);
  const rest = absolute ? url.slice(absolute[0].length) : url;
  const [path = '', query = ''] = rest.split(/\?(.*)/s, 2);
  return { authority: absolute?.[1], target: { path: path || '/', query: new URLSearchParams(query) } };
}

/** Host, preflight, token, path, method: in this order, so that nothing about paths is told without a token. */
export function admit(surface: Surface, request: IncomingMessage): Admission {
  const { authority, target } = splitTarget(request.url ?? '/');
  if (!isAllowedHost(authority ?? request.headers.host, surface.boundHost)) {
    return { answer: json(403, { ok: false, error: 'forbidden: this Host is not a name of this node' }), cors: false };
  }
  if (request.method === 'OPTIONS') return { answer: empty(200), cors: true };
  const match = surface.find(request.method ?? 'GET', target.path);
  const found = match === 'bad' ? undefined : match;
  if (!found?.open && !hasToken(request, surface.token(), found?.queryToken ? target.query : undefined)) {
    return { answer: json(401, { error: 'missing or invalid Authorization: Bearer token' }), cors: false };
  }
  if (match === 'bad') return { answer: text(400, 'Invalid URL: the path is not percent-encoded UTF-8'), cors: true };
  if (match === undefined) return { answer: empty(404), cors: true };
  const { route } = match;
  if (route === undefined) return { answer: empty(405, { allow: match.allow }), cors: true };
  return { match: { ...match, route }, target };
}

/** Answers one request completely; never rejects. */
export async function answerRequest(surface: Surface, exchange: Exchange): Promise<void> {
  const { request, response, abort } = exchange;
  const url = request.url ?? '/';
  const failure: { -readonly [K in keyof Failure]: Failure[K] } = { method: request.method ?? 'GET', path: url.split('?', 1)[0]! };
  let cors: Record<string, string> = {};
  let refusal: Capability['refusal'] = 'object';
  const reply = (answer: Answer): Promise<void> =>
    send(request, response, answer, surface.stopping ? { ...cors, connection: 'close' } : cors, surface);
  try {
    if (exchange.surplus) return await reply(unavailable('too many open connections', { connection: 'close' }));
    if (url.length > surface.limits.target) return await reply(empty(414, { connection: 'close' }));
    const admission = admit(surface, request);
    if (!('answer' in admission) || admission.cors) cors = corsHeaders(request);
    if ('answer' in admission) return await reply(admission.answer);

    const { match, target } = admission;
    const { name, capability } = match.route;
    failure.capability = name;
    refusal = capability.refusal;
    if (capability.shape === 'stream' && request.method === 'HEAD') return await reply({ ...empty(200), headers: STREAM_HEADERS });
    const input = await readInput(match, target.query, exchange);
    if ('refused' in input) return await reply(input.refused);
    if (capability.shape === 'socket') return await reply(refusedUpgrade(surface, request));
    if (capability.shape === 'stream') {
      const refused = await stream(surface, exchange, match.route, input, cors);
      return refused && (await reply(refused));
    }
    const handle = surface.handlers[name] as Handler<Capability>;
    await reply(
      success(capability, await handle(input.value, { signal: abort.signal, surface: 'rest', pageToken: () => pageToken(surface, request) })),
    );
  } catch (error) {
    if (error instanceof ClientGone) return;
    const refused = refusalOf(error);
    if (refused !== error) surface.onError(error, failure);
    if (response.headersSent) response.destroy();
    else await reply(refused ? json(refused.status, refusalBody({ refusal }, refused)) : json(500, { ok: false, error: 'internal error' }));
  }
}

function pageToken(surface: Surface, request: IncomingMessage): string | undefined {
  return isOwnBrowser(request) ? surface.token() : undefined;
}

/** Serves an event stream to its end, or says why there is none. */
async function stream(
  surface: Surface,
  exchange: Exchange,
  { name, capability }: Route,
  input: Input,
  headers: Readonly<Record<string, string>>,
): Promise<Answer | undefined> {
  const { signal } = exchange.abort;
  if (surface.stopping) return unavailable('the node is stopping');
  if (surface.streams >= surface.limits.streams) return unavailable('too many open streams');
  surface.streams++;
  exchange.streaming = true;
  try {
    const open = surface.handlers[name] as StreamHandler<Capability>;
    const live: LiveStream<StreamEvent> = await open(input.value, { signal, surface: 'rest' });
    if (signal.aborted) {
      live.close();
      return unavailable('the node is stopping');
    }
    await writeEvents(exchange.response, live, headers, { clock: surface.clock, signal, keepAliveMs: capability.keepAliveMs });
    return undefined;
  } finally {
    surface.streams--;
  }
}

/** Why a request for a socket capability was not upgraded. */
function refusedUpgrade(surface: Surface, request: IncomingMessage): Answer {
  if (request.method === 'HEAD') return empty(405, { allow: 'GET' });
  if (!isUpgrade(request))
    return text(400, 'Expected a WebSocket upgrade: Connection: Upgrade, Upgrade: websocket, Sec-WebSocket-Version: 13 and Sec-WebSocket-Key');
  return unavailable(surface.stopping ? 'the node is stopping' : 'too many open streams');
}

export function isUpgrade({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /\bupgrade\b/i.test(headers.connection ?? '') &&
    headers['sec-websocket-version'] === '13' &&
    /^[\dA-Za-z+/]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  );
}

function unavailable(error: string, headers: Record<string, string> = {}): Answer {
  const answer = json(503, { ok: false, error });
  return { ...answer, headers: { ...answer.headers, ...headers, 'retry-after': '1' } };
}
