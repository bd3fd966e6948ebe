import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { HalfOpenProxy } from './half-open-proxy.ts';
import type { Direction } from './link-path.ts';
import { LinkShaper } from './link-shaper.ts';
import { seededRandom } from '../runner/random.ts';

interface Ends {
  readonly proxy: HalfOpenProxy;
  readonly near: Socket;
  readonly far: Socket;
  readonly atNear: () => string;
  readonly atFar: () => string;
}

/** A connection through a proxy, both ends at hand. */
async function connectedEnds(): Promise<Ends> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await HalfOpenProxy.start(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect(Number(proxy.address.split(':')[1]), '127.0.0.1');
  const [far] = await accepted;
  onTestFinished(async () => {
    near.destroy();
    far.destroy();
    server.close();
    await proxy[Symbol.asyncDispose]();
  });
  return { proxy, near, far, atNear: collect(near), atFar: collect(far) };
}

function collect(socket: Socket): () => string {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  return () => text;
}

const soon = (condition: () => boolean, what: string) => eventually(systemClock, condition, { within: 5000, every: 2, what });

test('passes both directions on, and their ends', async () => {
  const { near, far, atNear, atFar, proxy } = await connectedEnds();
  near.write('ping');
  far.write('pong');
  await soon(() => atFar() === 'ping' && atNear() === 'pong', 'both messages');
  expect(proxy.forwarded).toEqual({ forward: 4, backward: 4 });
  near.end();
  await once(far, 'end');
});

test.for<[Direction]>([['forward'], ['backward']])(
  'cut %s: that way is withheld and counted, the other works, nobody is told',
  async ([direction]) => {
    const { near, far, atNear, atFar, proxy } = await connectedEnds();
    const [mute, heard] = direction === 'forward' ? [near, far] : [far, near];
    const atHeard = direction === 'forward' ? atFar : atNear;
    const atMute = direction === 'forward' ? atNear : atFar;
    proxy.cut(direction);
    mute.write('lost');
    heard.write('arrives');
    await soon(() => atMute() === 'arrives' && proxy.withheld(direction).bytes === 4, 'one message, and four bytes withheld');
    expect(atHeard()).toBe('');
    expect(proxy.withheld(direction).connections).toBe(1);
    expect([near.destroyed, far.destroyed, near.readableEnded, far.readableEnded]).toEqual([false, false, false, false]);
  },
);

test('a write that is severed arrives by half, and ends the connection at both ends; smaller ones before it pass', async () => {
  const { proxy, near, far, atFar } = await connectedEnds();
  proxy.sever('forward', 8);
  near.write('small');
  await soon(() => atFar() === 'small', 'the small one');
  near.write('a larger one');
  await soon(() => near.destroyed && far.readableEnded, 'the end at both ends');
  expect(atFar()).toBe('smalla larg');
  expect(proxy.severed('forward')).toEqual({ passed: 6, lost: 6 });
});

test('of what is on the way behind a write that is severed, nothing arrives', async () => {
  const { proxy, near, far, atFar } = await connectedEnds();
  const due = performance.now() + 200;
  let arrivals = 0;
  class AllAtOnce extends LinkShaper {
    override arrival(): number {
      arrivals++;
      return due;
    }
  }
  proxy.shape('forward', new AllAtOnce({}, seededRandom('7', 'severed')));
  proxy.sever('forward', 8);
  near.write('a larger one');
  await soon(() => arrivals === 1, 'one write on its way');
  near.write('behind');
  await soon(() => arrivals === 2, 'another behind it');
  await soon(() => near.destroyed && far.readableEnded, 'the end at both ends');
  expect(atFar()).toBe('a larg');
  expect(proxy.forwarded.forward).toBe(6);
  far.destroy();
  await soon(() => proxy.connections === 0, 'no connection is left');
});

test('while cut, even the end of a connection is withheld', async () => {
  const { near, far, proxy } = await connectedEnds();
  proxy.cut('forward');
  near.destroy();
  await soon(() => proxy.withheld('forward').connections === 1, 'a withheld end');
  far.write('anyone there?');
  await soon(() => proxy.forwarded.backward > 0 || proxy.connections > 0, 'the far end still talking');
  expect(far.readableEnded).toBe(false);
  expect(far.destroyed).toBe(false);
});

test('healing resets connections that lost bytes and forwards new ones', async () => {
  const { near, far, atFar, proxy } = await connectedEnds();
  proxy.cut('forward');
  near.write('lost');
  await soon(() => proxy.withheld('forward').bytes === 4, 'withheld bytes');
  proxy.heal('forward');
  await soon(() => near.destroyed && far.destroyed, 'resets at both ends');
  expect(atFar()).toBe('');
  expect(proxy.withheld('forward')).toEqual({ bytes: 0, connections: 0 });
});

test('healing an untouched connection leaves it alone', async () => {
  const { near, atFar, proxy } = await connectedEnds();
  proxy.cut('forward');
  proxy.heal('forward');
  near.write('through');
  await soon(() => atFar() === 'through', 'the message');
});

test('a dead upstream is passed on as a closed connection', async () => {
  await using proxy = await HalfOpenProxy.start('127.0.0.1:1');
  const near = connect(Number(proxy.address.split(':')[1]), '127.0.0.1');
  near.on('error', () => undefined);
  near.resume();
  await soon(() => near.closed, 'the closed connection');
});
