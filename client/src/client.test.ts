import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { registry } from '@muster/contract';
import { afterEach, expect, expectTypeOf, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Client, ConnectionError, ContractError, createClient, RefusedError } from './index.ts';

const ID = 'ab'.repeat(32);
const TOKEN = 'secret & token';
const message = { sender: ID, machine_id: ID, payload: 'aGk=', received_at: 1, verified: true, trust_decision: 'accept' as const };
const cleanups: (() => PromiseLike<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function listening(listener: RequestListener): Promise<{ server: Server; baseUrl: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { server, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function clientOf(baseUrl: string): Client {
  const client = createClient({ baseUrl, token: TOKEN });
  cleanups.push(() => client[Symbol.asyncDispose]());
  return client;
}

async function clientOfServer(listener: RequestListener): Promise<Client> {
  return clientOf((await listening(listener)).baseUrl);
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

test('a call sends what the contract says and gives the output without `ok`', async () => {
  const seen: unknown[] = [];
  const client = await clientOfServer(async (request: IncomingMessage, response) => {
    const { authorization, 'content-type': type } = request.headers;
    seen.push([request.method, request.url, authorization, type, await text(request)]);
    json(response, 201, { ok: true, agent_id: ID, added_later: 1 });
  });
  const output = await client.contacts.add({ agent_id: ID, label: 'Bob' });
  expectTypeOf(output).toEqualTypeOf<{ agent_id: string }>();
  expect(output).toEqual({ agent_id: ID });
  expect(seen).toEqual([['POST', '/contacts', `Bearer ${TOKEN}`, 'application/json', JSON.stringify({ agent_id: ID, label: 'Bob' })]]);
});

test('fields travel in path and query, percent-encoded, and connections are kept', async () => {
  const seen: unknown[] = [];
  const ports = new Set<number | undefined>();
  const client = await clientOfServer((request, response) => {
    seen.push([request.method, request.url]);
    ports.add(request.socket.remotePort);
    if (request.method === 'DELETE') response.writeHead(204).end();
    else json(response, 200, { ok: true, messages: [], next: null });
  });
  await client.call('contacts.removeMachine', { agent_id: 'a/b', machine_id: 'c d' });
  expect(await client.call('direct.inbox', { limit: 5 })).toEqual({ messages: [], next: null });
  expect(await client.direct.inbox()).toEqual({ messages: [], next: null });
  expect(seen).toEqual([
    ['DELETE', '/contacts/a%2Fb/machines/c%20d'],
    ['GET', '/direct/inbox?limit=5'],
    ['GET', '/direct/inbox'],
  ]);
  expect(ports.size).toBe(1);
});

test('texts and bare values come as they are', async () => {
  const client = await clientOfServer((request, response) => {
    if (request.url === '/openapi.json') json(response, 200, { openapi: '3.1.0' });
    else response.writeHead(200, { 'content-type': 'text/markdown' }).end('# Charter');
  });
  expect(await client.status.charter()).toBe('# Charter');
  expect(await client.status.openapi()).toEqual({ openapi: '3.1.0' });
});

test.each([
  ['JSON', 502, { ok: false, error: 'peer_disconnected', detail: 'gone' }, 'peer_disconnected', { detail: 'gone' }],
  ['JSON without ok', 401, { error: 'missing token' }, 'missing token', {}],
  ['text', 422, 'Failed to deserialize', 'Failed to deserialize', {}],
  ['nothing', 405, '', 'HTTP 405', {}],
])('a refusal with %s', async (_, status, body, wanted, extra) => {
  const client = await clientOfServer((__, response) => {
    if (typeof body === 'string') response.writeHead(status).end(body);
    else json(response, status, body);
  });
  const error = await client.direct.send({ agent_id: ID, payload: '' }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(RefusedError);
  expect(error).toMatchObject({ name: 'CapabilityError', status, message: wanted, extra, body, capability: 'direct.send' });
});

test.each([
  ['another shape', 200, { ok: true, status: 'healthy', version: 1 }, 'version'],
  ['no ok', 200, { status: 'healthy', version: '1', peers: 0, uptime_secs: 0 }, '"ok": true'],
  ['an undocumented success', 202, { ok: true }, 'answered 202, expected 200'],
])('an answer with %s breaks the contract', async (_, status, body, reason) => {
  const client = await clientOfServer((__, response) => json(response, status, body));
  const error = await client.status.health().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ContractError);
  expect((error as Error).message).toContain(reason);
});

test('nobody there: the request certainly had no effect', async () => {
  const { server, baseUrl } = await listening(() => undefined);
  await new Promise((resolve) => server.close(resolve));
  await expect(clientOf(baseUrl).status.health()).rejects.toMatchObject({ name: 'ConnectionError', sent: false });
});

test('cut in the middle: the request may have had an effect', async () => {
  const client = await clientOfServer((request, response) => {
    if (request.url === '/health') request.socket.destroy();
    else {
      response.writeHead(200, { 'content-length': '100' }).write('half');
      request.socket.destroySoon();
    }
  });
  await expect(client.status.health()).rejects.toMatchObject({ name: 'ConnectionError', sent: true });
  await expect(client.status.metrics()).rejects.toMatchObject({ name: 'ConnectionError', sent: true });
});

test('a GET is repeated when a kept connection has gone stale, a POST is not', async () => {
  const used = new WeakSet<object>();
  const client = await clientOfServer((request, response) => {
    if (used.has(request.socket)) return request.socket.resetAndDestroy();
    used.add(request.socket);
    json(response, 200, { ok: true, user_id: null });
  });
  await client.identity.userId();
  expect(await client.identity.userId()).toEqual({ user_id: null });
  await expect(client.status.shutdown()).rejects.toMatchObject({ name: 'ConnectionError', sent: true });
});

test('aborting a call gives the reason of the signal', async () => {
  const client = await clientOfServer(() => undefined);
  await expect(client.status.health({}, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ name: 'TimeoutError' });
  await expect(client.status.health({}, { signal: AbortSignal.abort(new Error('not now')) })).rejects.toThrow('not now');
});

test('a raw request is sent as it is', async () => {
  const client = await clientOfServer(async (request, response) =>
    json(response, 418, [request.method, request.url, request.headers.authorization ?? null, await text(request)]),
  );
  const patch = await client.raw({ method: 'PATCH', target: '/a//b?%', token: null, body: '{"broken' });
  expect(patch.status).toBe(418);
  expect(JSON.parse(Buffer.from(patch.body).toString())).toEqual(['PATCH', '/a//b?%', null, '{"broken']);
});

test('a stream opens when the node accepts it, and gives every declared event', async () => {
  let stream!: ServerResponse;
  const client = await clientOfServer((request, response) => {
    stream = response;
    expect(request.headers.accept).toBe('text/event-stream');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  });
  const comments: string[] = [];
  const events = client.direct.events({}, { onComment: (comment) => comments.push(comment) });
  await events.opened;
  const bytes = Buffer.from(
    `: ping\n\nevent: unheard-of\ndata: {}\n\nevent: direct_message\ndata: ${JSON.stringify({ ...message, payload: '8J+YgA==' })}\n\n`,
  );
  stream.write(bytes.subarray(0, 60));
  stream.end(bytes.subarray(60));
  const received = await collect(events);
  expectTypeOf(received[0]!.event).toEqualTypeOf<'direct_message'>();
  expect(received).toEqual([{ event: 'direct_message', data: { ...message, payload: '8J+YgA==' } }]);
  expect(comments).toEqual(['ping']);
});

test('characters that are split between chunks arrive whole', async () => {
  const client = await clientOfServer((_, response) => {
    const event = { type: 'message', data: { subscription_id: '1', topic: 'über', payload: '', sender: null, verified: false, trust_level: null } };
    const bytes = Buffer.from(`event: message\ndata: ${JSON.stringify(event)}\n\n`);
    const inside = bytes.indexOf(0xc3) + 1;
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(bytes.subarray(0, inside), () => response.end(bytes.subarray(inside)));
  });
  const [event] = await collect(client.messaging.events());
  expect(event?.data.data.topic).toBe('über');
});

test('closing a stream ends the iteration and the connection', async () => {
  const closed = vi.fn<() => void>();
  const client = await clientOfServer((_, response) => {
    response.on('close', closed);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  });
  const events = client.direct.events();
  await events.opened;
  const reading = collect(events);
  events.close();
  expect(await reading).toEqual([]);
  await vi.waitFor(() => expect(closed).toHaveBeenCalled());
});

test('a stream that is refused, cut, aborted or malformed says so', async () => {
  const client = await clientOfServer((request, response) => {
    if (request.headers['x-never']) return;
    if (request.url === '/direct/events') return json(response, 401, { error: 'missing token' });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (request.url === '/events') response.write('event: message\ndata: {"type":"message"}\n\n');
    else response.write('x', () => request.socket.destroy());
  });
  const refused = client.direct.events();
  await expect(refused.opened).rejects.toMatchObject({ status: 401 });
  await expect(collect(refused)).rejects.toMatchObject({ status: 401, message: 'missing token' });
  await expect(collect(client.messaging.events())).rejects.toBeInstanceOf(ContractError);
  const cut = client.messaging.events({}, { token: 'query' });
  await expect(collect(cut)).rejects.toMatchObject({ name: 'ConnectionError', sent: true });
  await expect(collect(client.messaging.events({}, { signal: AbortSignal.abort(new Error('enough')) }))).rejects.toThrow('enough');
});

async function socketServer(onSocket: (socket: WebSocket, request: IncomingMessage) => void): Promise<Client> {
  const { server, baseUrl } = await listening((_, response) => json(response, 400, { ok: false, error: 'no upgrade' }));
  const sockets = new WebSocketServer({ server, verifyClient: (info: { req: IncomingMessage }) => info.req.url !== '/ws/direct' });
  cleanups.push(async () => sockets.close());
  sockets.on('connection', onSocket);
  return clientOf(baseUrl);
}

test('a socket speaks typed frames both ways, from the very first', async () => {
  let url: string | undefined;
  const client = await socketServer((socket, request) => {
    url = request.url;
    socket.send(JSON.stringify({ type: 'connected', session_id: '6f1c9d0e-5a0b-4c3d-8e2f-123456789abc', agent_id: ID }));
    socket.send(JSON.stringify({ type: 'unheard-of' }));
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as { type: string; topics: string[] };
      if (frame.type === 'subscribe') socket.send(JSON.stringify({ type: 'subscribed', topics: frame.topics }));
      else socket.close(1013, 'slow consumer');
    });
  });
  const socket = await client.websocket.connect({}, { token: 'query' });
  expect(url).toBe(`/ws?token=${encodeURIComponent(TOKEN)}`);
  socket.send({ type: 'subscribe', topics: ['a'] });
  socket.sendText(JSON.stringify({ type: 'ping' }));
  const frames = await collect(socket);
  expect(frames).toEqual([
    { type: 'connected', session_id: '6f1c9d0e-5a0b-4c3d-8e2f-123456789abc', agent_id: ID },
    { type: 'subscribed', topics: ['a'] },
  ]);
  expect(await socket.closed).toEqual({ code: 1013, reason: 'slow consumer' });
  expect(() => socket.send({ type: 'ping' })).toThrow(ConnectionError);
});

test('a burst beyond what is kept unread arrives whole', async () => {
  const total = 5000;
  const client = await socketServer((socket) => {
    for (let i = 0; i < total; i += 1) socket.send(JSON.stringify({ type: 'error', message: String(i) }));
    socket.close();
  });
  const socket = await client.socket('websocket.connect');
  const frames = await collect(socket);
  expect(frames.map((frame) => (frame.type === 'error' ? frame.message : ''))).toEqual(Array.from({ length: total }, (_, i) => String(i)));
});

test('a socket that nobody reads holds the node back instead of filling memory', async () => {
  let flooding!: WebSocket;
  const client = await socketServer((socket, request) => {
    if (request.url === '/ws') {
      flooding = socket;
      const message = 'x'.repeat(16_384);
      for (let i = 0; i < 4096; i += 1) socket.send(JSON.stringify({ type: 'error', message }));
    } else socket.on('message', () => socket.send('{"type":"pong"}'));
  });
  const unread = await client.socket('websocket.connect');
  // Round trips on another socket: time enough for 64 MiB to pass, were nothing holding them.
  await using other = await client.socket('websocket.connect', {}, { token: 'query' });
  const pongs = other[Symbol.asyncIterator]();
  for (let i = 0; i < 500; i += 1) {
    other.send({ type: 'ping' });
    await pongs.next();
  }
  expect(flooding.bufferedAmount).toBeGreaterThan(0);
  unread.close();
  expect(await unread.closed).toEqual({ code: 1005, reason: '' });
  expect((await collect(unread)).length).toBeLessThan(4096);
});

test('a socket that is refused, or whose frames break the contract, says so', async () => {
  const client = await socketServer((socket) => socket.send('{"type":"error"}'));
  await expect(client.websocket.direct()).rejects.toMatchObject({ name: 'CapabilityError', status: 401 });
  await using socket = await client.websocket.connect();
  await expect(collect(socket)).rejects.toBeInstanceOf(ContractError);
  const nobody = createClient({ baseUrl: 'http://127.0.0.1:1' });
  await expect(nobody.websocket.connect()).rejects.toMatchObject({ name: 'ConnectionError', sent: false });
});

test('every capability is a method', () => {
  const client = clientOf('http://127.0.0.1:1') as unknown as Record<string, Record<string, unknown>>;
  for (const { name, family } of Object.values(registry)) expect(client[family]?.[name.slice(family.length + 1)]).toBeTypeOf('function');
});
