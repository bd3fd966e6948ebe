/** The default transport. `node:http` rather than `fetch`, because the latter ends a silent stream after five minutes. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type RawData, WebSocket } from 'ws';
import { ConnectionError } from './errors.ts';
import type { Transport, WireRequest, WireResponse, WireSocket } from './transport.ts';

// Not imported: an import reads every export, and one of them loads a whole HTTP client that is not used here.
const { Agent, request: httpRequest } = process.getBuiltinModule('node:http');

/** Frames kept while nobody reads them; beyond it the socket is paused. */
const MAX_UNREAD_FRAMES = 1024;

/** Keep-alive connections to the node at `baseUrl` (`http://127.0.0.1:12700`), as many as there are calls and streams at once. */
export function httpTransport(baseUrl: string): Transport {
  const url = new URL(baseUrl);
  if (url.protocol !== 'http:') throw new TypeError(`base URL must start with http://, got ${baseUrl}`);
  // WHATWG URLs keep the brackets of an IPv6 address; sockets do not want them.
  const host = url.hostname.replace(/^\[(.*)\]$/u, '$1');
  const port = url.port === '' ? 80 : Number(url.port);
  const agent = new Agent({ keepAlive: true });

  const open = async (request: WireRequest, signal?: AbortSignal): Promise<IncomingMessage> => {
    try {
      return await exchange(request, signal);
    } catch (error) {
      // The node may close an idle connection just as it is used again. Only what cannot have had an effect is repeated.
      if (request.method === 'GET' && error instanceof StaleConnection) return await exchange(request, signal);
      throw error;
    }
  };

  const exchange = (request: WireRequest, signal?: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      let connected = false;
      const { method, target: path, body } = request;
      // Node says the length by itself, but not for DELETE: its body would be read as the next request.
      const headers = body === undefined ? request.headers : { 'content-length': Buffer.byteLength(body), ...request.headers };
      const outgoing = httpRequest({ host, port, method, path, headers, agent, ...(signal && { signal }) });
      outgoing.on('socket', (socket) => {
        connected = !socket.connecting;
        if (socket.connecting) socket.once('connect', () => (connected = true));
      });
      outgoing.on('response', resolve);
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        if (signal?.aborted) reject(signal.reason as Error);
        else if (outgoing.reusedSocket && error.code === 'ECONNRESET') reject(new StaleConnection(url, true, error));
        else reject(failed(url, connected, error));
      });
      outgoing.end(request.body);
    });

  return {
    async request(request, signal) {
      const response = await open(request, signal);
      return { status: response.statusCode ?? 0, headers: plain(response.headers), body: await readAll(response, url, signal) };
    },
    async stream(request, signal) {
      const response = await open(request, signal);
      return {
        status: response.statusCode ?? 0,
        headers: plain(response.headers),
        chunks: chunksOf(response, url, signal),
        close: () => response.destroy(),
      };
    },
    socket: (request, signal) => openSocket(url, request, signal),
    async [Symbol.asyncDispose]() {
      agent.destroy();
    },
  };
}

class StaleConnection extends ConnectionError {
  constructor(url: URL, sent: boolean, cause: Error) {
    super(`the connection to ${url.origin} was closed`, sent, { cause });
  }
}

function failed(url: URL, sent: boolean, cause: Error): ConnectionError {
  const what = sent ? 'lost the connection to' : 'cannot reach';
  return new ConnectionError(`${what} ${url.origin}: ${cause.message}`, sent, { cause });
}

async function* chunksOf(response: IncomingMessage, url: URL, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (error) {
    throw signal?.aborted ? signal.reason : failed(url, true, error as Error);
  }
}

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]));
}

async function openSocket(url: URL, request: Omit<WireRequest, 'method' | 'body'>, signal?: AbortSignal): Promise<WireSocket | WireResponse> {
  signal?.throwIfAborted();
  const socket = new WebSocket(`ws://${url.host}${request.target}`, { headers: { ...request.headers }, perMessageDeflate: false });
  // Frames may arrive together with the handshake's answer, so they are taken from the first moment.
  const wire = wireSocket(socket, url);
  const abort = () => socket.terminate();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      socket.once('open', () => resolve(wire));
      socket.once('unexpected-response', (_, response) => {
        readAll(response, url, signal).then((body) => resolve({ status: response.statusCode ?? 0, headers: plain(response.headers), body }), reject);
      });
      socket.once('error', (error: NodeJS.ErrnoException) => {
        reject(signal?.aborted ? signal.reason : failed(url, error.code !== 'ECONNREFUSED', error));
      });
    });
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function readAll(response: IncomingMessage, url: URL, signal?: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    response.on('end', () => resolve(Buffer.concat(chunks)));
    // Cut off: an error when the connection broke or the signal fired, and `close` without `end` whatever the reason.
    const cut = (error?: Error): void =>
      reject(signal?.aborted ? (signal.reason as Error) : failed(url, true, error ?? new Error('the answer was cut off')));
    response.on('error', cut);
    response.on('close', () => cut());
  });
}

function wireSocket(socket: WebSocket, url: URL): WireSocket {
  const unread: string[] = [];
  const arrived = new EventTarget();
  let open = true;
  let closing = false;
  socket.on('message', (data: RawData) => {
    if (closing) return;
    unread.push(String(data));
    if (unread.length >= MAX_UNREAD_FRAMES) socket.pause();
    arrived.dispatchEvent(new Event('frame'));
  });
  // `close` follows every error; without a listener the error would end the process.
  socket.on('error', () => undefined);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => {
      open = false;
      resolve({ code, reason: reason.toString() });
      arrived.dispatchEvent(new Event('frame'));
    });
  });
  async function* frames(): AsyncGenerator<string> {
    for (;;) {
      const frame = unread.shift();
      if (frame !== undefined) {
        if (socket.isPaused && unread.length < MAX_UNREAD_FRAMES / 2) socket.resume();
        yield frame;
      } else if (open) await once(arrived, 'frame');
      else return;
    }
  }
  return {
    frames: frames(),
    closed,
    send(text) {
      if (socket.readyState !== WebSocket.OPEN) throw new ConnectionError(`the socket to ${url.origin} is closed`, false);
      socket.send(text);
    },
    close(code, reason) {
      // The node's answer to the close lies behind whatever it has sent before, which nobody wants any more.
      closing = true;
      socket.close(code, reason);
      socket.resume();
    },
  };
}
