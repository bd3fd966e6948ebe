import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, Demo, talk, TOKEN, until, wire } from './fixture.port-test.ts';

describe('event streams', () => {
  let demo: Demo;
  beforeEach(async () => {
    demo = await Demo.start();
  });
  afterEach(() => demo[Symbol.asyncDispose]());

  const opened = /^HTTP\/1.1 200[^]*\r\n\r\n/;

  async function openStream(line = 'GET /ticks') {
    const stream = talk(demo, wire(line));
    await stream.until(opened);
    return stream;
  }

  it('name the event on one line and carry compact JSON on the next', async () => {
    const stream = await openStream();
    demo.queues[0]!.push({ event: 'tick', data: { n: 1, pad: 'line\nbreak' } });
    demo.queues[0]!.push({ event: 'file:offer', data: { id: 'x' } });
    await stream.until(/event: tick\ndata: {"n":1,"pad":"line\\nbreak"}\n\n[^]*event: file:offer\ndata: {"id":"x"}\n\n/);
    expect(stream.received()).toMatch(/content-type: text\/event-stream\r\n/);
    expect(stream.received()).toMatch(/cache-control: no-cache\r\n/);
    stream.socket.destroy();
  });

  it('are subscribed before the headers are sent', async () => {
    const stream = await openStream();
    // Pushed as soon as the client can know of the stream: nothing is missed.
    expect(demo.queues).toHaveLength(1);
    demo.queues[0]!.push({ event: 'tick', data: { n: 7 } });
    await stream.until(/"n":7/);
    stream.socket.destroy();
  });

  it('have CORS headers for pages of this machine, and open by ?token=', async () => {
    const stream = talk(demo, `GET /ticks?token=${TOKEN} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n\r\n`);
    await stream.until(/access-control-allow-origin: http:\/\/localhost:3000[^]*\r\n\r\n/);
    stream.socket.destroy();
  });

  it('carry a ping every 15 s where it is declared, and only there', async () => {
    const [pinged, quiet] = [await openStream('GET /ticks'), await openStream('GET /quiet')];
    demo.clock.advance(14_999);
    demo.queues[0]!.push({ event: 'tick', data: { n: 1 } });
    await pinged.until(/"n":1/);
    expect(pinged.received()).not.toContain(': ping');
    demo.clock.advance(1);
    await pinged.until(/: ping\n\n/);
    demo.clock.advance(30_000);
    await pinged.until(/(?:: ping\n\n[^]*){3}/);
    demo.queues[1]!.push({ event: 'tick', data: { n: 2 } });
    await quiet.until(/"n":2/);
    expect(quiet.received()).not.toContain(': ping');
    pinged.socket.destroy();
    quiet.socket.destroy();
  });

  it('free their subscription when the client leaves', async () => {
    const stream = await openStream();
    expect(demo.surface.counts().streams).toBe(1);
    stream.socket.destroy();
    await until(() => demo.closedStreams === 1 && demo.surface.counts().streams === 0);
    expect(demo.clock.waiting).toBe(0);
  });

  it('end when their source ends, and the connection goes on', async () => {
    const stream = await openStream();
    demo.queues[0]!.close();
    await stream.until(/\r\n0\r\n\r\n$/);
    expect(demo.closedStreams).toBe(1);
    stream.socket.write(wire('GET /card'));
    await stream.until(/"demo"/);
    stream.socket.destroy();
  });

  it('refuse as any call does, before they begin', async () => {
    expect(await ask(demo, 'GET', '/quiet?fail=true')).toMatchObject({ status: 503, text: '{"ok":false,"error":"network not initialized"}' });
    expect(demo.surface.counts().streams).toBe(0);
  });

  it('let a slow reader miss the oldest, counted, without growing', async () => {
    const stream = await openStream();
    stream.socket.pause();
    const queue = demo.queues[0]!;
    const pad = 'x'.repeat(64 * 1024);
    let n = 0;
    // Kernel and socket buffers take some first.
    while (queue.dropped < 50) {
      queue.push({ event: 'tick', data: { n: n++, pad } });
      if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (n > 5_000) throw new Error('the queue never filled: the reader was not waited for');
    }
    expect(queue.size).toBe(100);
    const last = n - 1;
    stream.socket.resume();
    await stream.until(new RegExp(`"n":${last},`));
    const seen = [...stream.received().matchAll(/"n":(\d+)/g)].map((match) => Number(match[1]));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen).toHaveLength(n - queue.dropped);
    stream.socket.destroy();
  });

  it('are bounded in number, with a clear 503', async () => {
    await using small = await Demo.start({ limits: { streams: 1 } });
    const first = talk(small, wire('GET /ticks'));
    await first.until(opened);
    expect(await ask(small, 'GET', '/quiet')).toMatchObject({ status: 503, text: '{"ok":false,"error":"too many open streams"}' });
    first.socket.destroy();
    await until(() => small.surface.counts().streams === 0);
    const second = talk(small, wire('GET /ticks'));
    await second.until(opened);
    second.socket.destroy();
  });

  it('are cut off, not ended, when their source fails, and the failure is told once', async () => {
    await using broken = await Demo.start();
    const stream = talk(broken, wire('GET /ticks'));
    await stream.until(opened);
    broken.queues[0]!.push({ event: 'tick', data: { n: 1n as unknown as number } });
    await stream.closed;
    expect(stream.received()).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(broken.failures).toMatchObject([{ failure: { capability: 'demo.ticks', path: '/ticks' } }]);
    expect(broken.closedStreams).toBe(1);
  });

  it('end at once when the surface stops', async () => {
    const stream = await openStream();
    const stopped = demo.surface[Symbol.asyncDispose]();
    await stream.until(/\r\n0\r\n\r\n$/);
    await stopped;
    expect(demo.closedStreams).toBe(1);
  });
});
