import { assert, asyncProperty, constantFrom, oneof, string, tuple, uint8Array } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, Demo, openSocket, talk, TOKEN, until, wire } from './fixture.port-test.ts';

describe('the server', () => {
  let demo: Demo;
  beforeEach(async () => {
    demo = await Demo.start();
  });
  afterEach(() => demo[Symbol.asyncDispose]());

  describe('defects', () => {
    it('are a plain 500, told once with their cause', async () => {
      expect(await ask(demo, 'POST', '/broken?token=secret')).toMatchObject({ status: 500, text: '{"ok":false,"error":"internal error"}' });
      expect(demo.failures).toEqual([
        { error: new TypeError('a defect: secret detail'), failure: { capability: 'demo.broken', method: 'POST', path: '/broken' } },
      ]);
      expect((await ask(demo, 'GET', '/health')).status).toBe(200);
    });

    it('two capabilities of one route are refused at the start', async () => {
      const { registry } = await import('./fixture.port-test.ts');
      const twice = { ...registry, 'demo.card': { ...registry['demo.card'], path: '/health' as const } };
      await expect(Demo.start({ registry: twice })).rejects.toThrow('two capabilities claim GET /health: demo.health, demo.card');
    });
  });

  describe('addresses', () => {
    it('a port that is taken rejects', async () => {
      await expect(Demo.start({ address: demo.address })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    });

    it.each(['127.0.0.1', 'localhost', ':0', '::1:0', '127.0.0.1:x', ''])('%j is refused', async (address) => {
      await expect(Demo.start({ address })).rejects.toThrow(RangeError);
    });

    it('IPv6 works', async () => {
      await using six = await Demo.start({ address: '[::1]:0' });
      expect(six.address).toMatch(/^\[::1\]:\d+$/);
      expect((await ask(six, 'GET', '/health')).status).toBe(200);
    });
  });

  describe('one connection', () => {
    it('has its requests answered in order, one after another', async () => {
      const client = talk(demo, wire('POST /slow', ['Content-Length: 0']) + wire('GET /card') + wire('GET /nowhere') + wire('GET /health'));
      await until(() => demo.slow.length === 1);
      expect(client.received()).toBe('');
      demo.slow[0]!.finish();
      await client.until(/^HTTP\/1.1 200[^]*{"ok":true}HTTP\/1.1 200[^]*"demo"[^]*HTTP\/1.1 404[^]*HTTP\/1.1 200[^]*healthy/);
      client.socket.destroy();
    });

    it('is closed when it asks far ahead without reading', async () => {
      const client = talk(demo, wire('POST /slow', ['Content-Length: 0']));
      await until(() => demo.slow.length === 1);
      client.socket.write(wire('POST /slow', ['Content-Length: 0']).repeat(100));
      await client.closed;
      await until(() => demo.slow[0]!.signal.aborted);
      expect(demo.slow).toHaveLength(1);
    });

    it('aborts the call when its client leaves', async () => {
      const client = talk(demo, wire('POST /slow', ['Content-Length: 0']));
      await until(() => demo.slow.length === 1);
      expect(demo.slow[0]!.signal.aborted).toBe(false);
      client.socket.destroy();
      await until(() => demo.slow[0]!.signal.aborted);
    });

    it('does not abort a call that is done', async () => {
      const client = talk(demo, wire('POST /slow', ['Content-Length: 0']));
      await until(() => demo.slow.length === 1);
      demo.slow[0]!.finish();
      await client.until(/{"ok":true}/);
      client.socket.destroy();
      await until(() => demo.surface.counts().connections === 0);
      expect(demo.slow[0]!.signal.aborted).toBe(false);
    });

    it('that leaves in the middle of its body is forgotten', async () => {
      const client = talk(demo, wire('POST /notes', ['Content-Type: application/json', 'Content-Length: 100'], '{"na'));
      await until(() => demo.surface.counts().connections === 1);
      client.socket.destroy();
      await until(() => demo.surface.counts().connections === 0);
      expect(demo.failures).toEqual([]);
      expect(demo.added).toEqual([]);
    });

    it('goes on after a body that was not wanted, if it was short', async () => {
      const client = talk(demo, wire('GET /nowhere', ['Content-Length: 5'], 'hello') + wire('GET /health'));
      await client.until(/^HTTP\/1.1 404[^]*HTTP\/1.1 200[^]*healthy/);
      client.socket.destroy();
    });

    it('is not read for ever for a body that nobody wants', async () => {
      const client = talk(demo, wire('POST /notes', ['Content-Type: application/json', 'Transfer-Encoding: chunked']));
      let sent = 0;
      const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
      const pump = (): void => {
        while (!client.socket.destroyed && client.socket.write(chunk)) sent += chunk.length;
        sent += chunk.length;
      };
      client.socket.on('drain', pump);
      pump();
      await client.until(/^HTTP\/1.1 413/);
      await client.closed;
      expect(sent).toBeGreaterThan(1_048_576);
    });

    it('is given 1 s to send the rest of a body that nobody wants', async () => {
      const client = talk(demo, wire('POST /notes', ['Content-Type: application/json', 'Content-Length: 2000000'], 'x'));
      await client.until(/^HTTP\/1.1 413/);
      await until(() => demo.clock.waiting === 1);
      demo.clock.advance(1_000);
      await client.closed;
    });
  });

  describe('bad bytes', () => {
    it.each([
      ['no HTTP', 'hello\r\n\r\n', 400],
      ['both kinds of length', wire('POST /notes', ['Content-Length: 3', 'Transfer-Encoding: chunked'], 'abc'), 400],
      ['no Host', 'GET /health HTTP/1.1\r\n\r\n', 400],
      ['a broken chunk', wire('POST /notes', ['Content-Type: application/json', 'Transfer-Encoding: chunked'], 'zz\r\n'), undefined],
      ['an unknown expectation', wire('GET /health', ['Expect: cake']), 417],
    ])('%s', async (_title, bytes, status) => {
      const client = talk(demo, bytes);
      if (status === undefined) await client.closed;
      else await client.until(new RegExp(`^HTTP/1.1 ${status} `));
      client.socket.destroy();
      expect((await ask(demo, 'GET', '/health')).status).toBe(200);
      expect(demo.failures).toEqual([]);
    });

    it('of any kind never crash it', async () => {
      const method = constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'get', '');
      const path = oneof(
        string({ maxLength: 40 }).map((text) => `/notes/${text}`),
        string({ unit: constantFrom('/', '%', '2', 'f', '?', '#', ':', '*', '\u0000', 'ü', '.', ';', '&', '='), maxLength: 30 }).map(
          (text) => `/${text}`,
        ),
        constantFrom('*', '', '/', '//', 'http://', 'http://localhost', 'http://[::1', '/ws', '/ticks', '/notes', '/health?', '/announce'),
      );
      const header = oneof(
        constantFrom(
          'Host: localhost',
          'Host: [',
          `Authorization: Bearer ${TOKEN}`,
          'Content-Length: 5',
          'Content-Length: -1',
          'Content-Length: 99999999999999999999',
        ),
        constantFrom(
          'Transfer-Encoding: chunked',
          'Content-Type: application/json',
          'Expect: 100-continue',
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Connection: close',
        ),
        string({ maxLength: 30 }),
      );
      const lines = tuple(method, path, constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/9', ''), header, header, header, string({ maxLength: 20 })).map(
        ([verb, target, version, a, b, c, body]) =>
          Buffer.from(`${verb} ${target} ${version}\r\nHost: localhost\r\n${a}\r\n${b}\r\n${c}\r\n\r\n${body}`),
      );
      await assert(
        asyncProperty(
          oneof(
            lines,
            uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
          ),
          async (bytes) => {
            const client = talk(demo);
            client.socket.end(bytes);
            await client.closed;
          },
        ),
        { seed: 20261121, numRuns: 400 },
      );
      expect((await ask(demo, 'GET', '/health')).status).toBe(200);
      expect(demo.failures).toEqual([]);
      await until(() => demo.surface.counts().connections === 0 && demo.surface.counts().streams === 0);
    });
  });

  describe('limits', () => {
    it('a head that does not arrive in time is a 408', async () => {
      await using strict = await Demo.start({ limits: { headMs: 50, requestMs: 50 } });
      const slow = talk(strict, 'GET /health HTTP/1.1\r\nHost: loc');
      await slow.until(/^HTTP\/1.1 408/);
      await slow.closed;
    });

    it('a body that does not arrive in time is cut off', async () => {
      await using strict = await Demo.start({ limits: { headMs: 50, requestMs: 50 } });
      const slow = talk(strict, wire('POST /notes', ['Content-Type: application/json', 'Content-Length: 100'], '{'));
      await slow.closed;
      expect(strict.failures).toEqual([]);
    });

    it('streams may last', async () => {
      await using strict = await Demo.start({ limits: { headMs: 50, requestMs: 50, idleMs: 50 } });
      const stream = talk(strict, wire('GET /ticks'));
      await stream.until(/^HTTP\/1.1 200[^]*\r\n\r\n/);
      // A second connection outlives every limit; the stream must still be there after it.
      const slow = talk(strict, 'GET / HT');
      await slow.closed;
      strict.queues[0]!.push({ event: 'tick', data: { n: 1 } });
      await stream.until(/"n":1/);
      stream.socket.destroy();
    });

    it('a connection too many is told so', async () => {
      await using small = await Demo.start({ limits: { connections: 2 } });
      const busy = [talk(small, wire('POST /slow', ['Content-Length: 0'])), talk(small, wire('POST /slow', ['Content-Length: 0']))];
      await until(() => small.slow.length === 2);
      const surplus = talk(small, wire('GET /health'));
      await surplus.until(/^HTTP\/1.1 503[^]*{"ok":false,"error":"too many open connections"}/);
      await surplus.closed;
      for (const { socket } of busy) socket.destroy();
      await until(() => small.surface.counts().connections === 0);
      expect((await ask(small, 'GET', '/health')).status).toBe(200);
    });

    it('idle connections give way to new ones', async () => {
      await using small = await Demo.start({ limits: { connections: 2 } });
      const idle = [talk(small, wire('GET /health')), talk(small, wire('GET /health'))];
      for (const client of idle) await client.until(/healthy/);
      const next = talk(small, wire('GET /health'));
      await next.until(/^HTTP\/1.1 200[^]*healthy/);
      await idle[0]!.closed;
      expect(small.surface.counts().connections).toBe(2);
      for (const { socket } of [idle[1]!, next]) socket.destroy();
    });

    it('connections that never asked give way to whoever asks, the oldest first', async () => {
      await using small = await Demo.start({ limits: { connections: 2 } });
      const silent = talk(small, '');
      await until(() => small.surface.counts().connections === 1);
      const slow = talk(small, 'GET /health HTTP/1.1\r\n');
      await until(() => small.surface.counts().connections === 2);
      const next = talk(small, wire('GET /health'));
      await next.until(/^HTTP\/1.1 200[^]*healthy/);
      await silent.closed;
      expect(small.surface.counts().connections).toBe(2);
      for (const { socket } of [slow, next]) socket.destroy();
    });
  });

  describe('stopping', () => {
    it('lets a call in flight finish, and accepts nothing new', async () => {
      const client = talk(demo, wire('POST /slow', ['Content-Length: 0']));
      await until(() => demo.slow.length === 1);
      const stopped = demo.surface[Symbol.asyncDispose]();
      await expect(ask(demo, 'GET', '/health')).rejects.toThrow(/ECONNREFUSED/);
      expect(demo.slow[0]!.signal.aborted).toBe(false);
      demo.slow[0]!.finish();
      await client.until(/^HTTP\/1.1 200[^]*connection: close[^]*{"ok":true}$/i);
      await stopped;
      await client.closed;
      expect(demo.clock.waiting).toBe(0);
    });

    it('aborts what takes longer than 2 s', async () => {
      const client = talk(demo, wire('POST /slow', ['Content-Length: 0']));
      await until(() => demo.slow.length === 1);
      const stopped = demo.surface[Symbol.asyncDispose]();
      await until(() => demo.clock.waiting === 1);
      demo.clock.advance(1_999);
      expect(demo.slow[0]!.signal.aborted).toBe(false);
      demo.clock.advance(1);
      await stopped;
      await client.closed;
      expect(demo.slow[0]!.signal.aborted).toBe(true);
    });

    it('closes idle connections, streams and sockets without waiting', async () => {
      const idle = talk(demo, wire('GET /health'));
      await idle.until(/healthy/);
      const silent = talk(demo);
      const stream = talk(demo, wire('GET /ticks'));
      const socket = openSocket(demo);
      await socket.untilTold('pong');
      await stream.until(/\r\n\r\n/);
      await until(() => demo.surface.counts().connections === 4);
      await demo.surface[Symbol.asyncDispose]();
      await Promise.all([idle.closed, silent.closed, stream.closed, socket.closed]);
      await until(() => demo.surface.counts().connections === 0);
      expect(demo.surface.counts().streams).toBe(0);
      expect(demo.clock.waiting).toBe(0);
    });

    it('works twice', async () => {
      await Promise.all([demo.surface[Symbol.asyncDispose](), demo.surface[Symbol.asyncDispose]()]);
    });
  });
});
