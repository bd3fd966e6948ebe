import { createHash } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import packet, { type Answer, type Packet } from 'dns-packet';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Log, LogLevel, Neighbour } from '../ports/index.ts';
import { systemClock } from './clock.ts';
import { mdnsNeighbours } from './mdns.ts';
import { asksFor, networkName, questionOf, recordsOf, sightings } from './mdns-records.ts';
import { neighboursPortTest } from './neighbours.port-test.ts';

const LOOPBACK = '127.0.0.1';
const id = (text: string): string => createHash('sha256').update(text).digest('hex');
// A network of our own: other tests on this host may use the loopback interface too.
const network = id(`mdns-test-${process.pid}-${Date.now()}`);
const self = { network, machine: id('alice'), address: `${LOOPBACK}:4001` };

const lines: [LogLevel, string][] = [];
const log: Log = { write: (level, message, fields) => lines.push([level, `${message} ${JSON.stringify(fields)}`]) };
const started: AsyncDisposable[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) await one[Symbol.asyncDispose]();
  for (const socket of sockets.splice(0)) socket.close();
  lines.length = 0;
});

let worlds = 0;
neighboursPortTest(() => {
  const world = `${network}-${worlds++}`;
  const own = mdnsNeighbours({ clock: systemClock(), log, interfaces: [LOOPBACK] });
  return { neighbours: () => ({ scope: 'lan', start: (one, found) => own.start({ ...one, network: id(world + one.network) }, found) }) };
});

async function start(options: { interfaces?: string[]; address?: string } = {}) {
  const found: Neighbour[] = [];
  const neighbours = mdnsNeighbours({ clock: systemClock(), log, interfaces: options.interfaces ?? [LOOPBACK] });
  const presence = await neighbours.start({ ...self, address: options.address ?? self.address }, (neighbour) => found.push(neighbour));
  started.push(presence);
  return { found, presence };
}

/** A scripted neighbour: a bare socket on the loopback interface. */
async function scripted() {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  sockets.push(socket);
  const received: Packet[] = [];
  socket.on('message', (bytes) => {
    const heard = decoded(bytes);
    if (heard) received.push(heard);
  });
  await new Promise<void>((resolve) => socket.bind(5353, '0.0.0.0', resolve));
  socket.setMulticastInterface(LOOPBACK);
  socket.addMembership('224.0.0.251', LOOPBACK);
  const send = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => socket.send(bytes, 5353, '224.0.0.251', (error) => (error ? reject(error) : resolve())));
  return { received, send, say: (answers: Answer[]) => send(packet.encode({ type: 'response', answers })) };
}
function decoded(bytes: Buffer): Packet | undefined {
  try {
    return packet.decode(bytes);
  } catch {
    return undefined;
  }
}
const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 2_000, interval: 10 });
const bob = { ...self, machine: id('bob') };
const addresses = (found: readonly Neighbour[]): (string | undefined)[] => found.map((neighbour) => neighbour.addresses[0]);

describe('multicast DNS', () => {
  it('reports a node once, again with a new instance or address, and again after a goodbye', async () => {
    const { found } = await start();
    const peer = await scripted();
    const steps: [Answer[], number][] = [
      [recordsOf(bob, 1, 'a1'), 1],
      [recordsOf(bob, 1, 'a1'), 1],
      [recordsOf(bob, 2, 'a1'), 2],
      [recordsOf(bob, 2, 'a2'), 3],
      // late, of the instance before: nobody left
      [recordsOf(bob, 2, 'a1', true), 3],
      [recordsOf(bob, 2, 'a2'), 3],
      [recordsOf(bob, 2, 'a2', true), 3],
      [recordsOf(bob, 2, 'a2'), 4],
    ];
    let marks = 0;
    for (const [records, reports] of steps) {
      await peer.say(records);
      // Packets arrive in order: once this one is seen, the one before has been.
      const mark = { ...self, machine: id(`mark ${marks++}`) };
      await peer.say(recordsOf(mark, 9, 'a'));
      await soon(() => expect(found.at(-1)?.machine).toBe(mark.machine));
      expect(found.filter(({ machine }) => machine === bob.machine)).toHaveLength(reports);
    }
    expect(addresses(found.filter(({ machine }) => machine === bob.machine))).toEqual([1, 2, 2, 2].map((port) => `${LOOPBACK}:${port}`));
  });

  it('says goodbye when it leaves', async () => {
    const { presence } = await start();
    const peer = await scripted();
    await presence[Symbol.asyncDispose]();
    await soon(() => expect(peer.received.flatMap((heard) => sightings(network, heard)).at(-1)).toMatchObject({ machine: self.machine, ttl: 0 }));
  });

  it('answers every asker, but all of half a second at once', async () => {
    await start();
    const peer = await scripted();
    const answers = (): number => peer.received.filter((heard) => heard.type === 'response' && sightings(network, heard).length > 0).length;
    const question = packet.encode({ type: 'query', questions: [{ name: networkName(network), type: 'PTR' }] });
    const times: number[] = [];
    let asked = 0;
    while (times.length < 4) {
      await peer.send(question);
      asked++;
      if (answers() > times.length) times.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(asked).toBeGreaterThan(20);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(1_400);
  });

  it('survives garbage and other services, and goes on', async () => {
    const { found } = await start();
    const peer = await scripted();
    await peer.send(Buffer.alloc(0));
    await peer.send(Buffer.alloc(700, 0xff));
    await peer.send(Buffer.from('not DNS at all'));
    await peer.say([{ type: 'A', name: 'printer.local', ttl: 120, data: '192.0.2.7' }]);
    const [pointer, service, text] = recordsOf(bob, 1, 'a');
    await peer.say([pointer!, text!]);
    await peer.say([pointer!, service!]);
    await peer.say(recordsOf(self, 1, 'a'));
    await peer.say(recordsOf(bob, 7, 'b'));
    await soon(() => expect(found).toEqual([{ machine: bob.machine, addresses: [`${LOOPBACK}:7`] }]));
    expect(lines.filter(([level]) => level === 'warn')).toEqual([]);
  });

  it('remembers a bounded number of nodes', async () => {
    const { found } = await start();
    const peer = await scripted();
    for (let i = 0; i < 600; i++) {
      await peer.say(recordsOf({ ...self, machine: id(`node ${i}`) }, 1, 'a'));
      if (i % 20 === 0) await soon(() => expect(found.length).toBe(i + 1));
    }
    await soon(() => expect(found.length).toBe(600));
    // The first ones have been forgotten, hence reported again; the last ones have not.
    await peer.say(recordsOf({ ...self, machine: id('node 599') }, 1, 'a'));
    await peer.say(recordsOf({ ...self, machine: id('node 0') }, 1, 'a'));
    await soon(() => expect(found.length).toBe(601));
    expect(found.at(-1)!.machine).toBe(id('node 0'));
  });

  it('logs an interface that it cannot use, once, and does not fail', async () => {
    await start({ interfaces: ['198.51.100.9'], address: '0.0.0.0:4001' });
    expect(lines.filter(([level]) => level === 'warn')).toEqual([['warn', expect.stringContaining('198.51.100.9')]]);
  });

  it('announces a node only where it listens', async () => {
    const peer = await scripted();
    await start({ address: '198.51.100.1:4001' });
    await peer.say(recordsOf(bob, 1, 'a'));
    const heard = (): string[] => peer.received.flatMap((one) => sightings(network, one)).map(({ machine }) => machine);
    await soon(() => expect(heard()).toEqual([bob.machine]));
  });
});

describe('multicast DNS records', () => {
  const roundTrip = (value: Packet): Packet => packet.decode(packet.encode(value));

  it('read back as they were written, by their own network only', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), fc.uuid(), fc.boolean(), (port, instance, leaving) => {
        const heard = roundTrip({ type: 'response', answers: recordsOf(self, port, instance, leaving) });
        expect(sightings(network, heard)).toEqual([{ machine: self.machine, port, instance, ttl: leaving ? 0 : 120 }]);
        expect(sightings(id('another'), heard)).toEqual([]);
      }),
      { seed: 20261121, numRuns: 50 },
    );
  });

  it('are asked for by name, in any case, except by their own node', () => {
    const asks = (name: string, type: 'PTR' | 'A' | 'ANY'): boolean =>
      asksFor(self, roundTrip({ type: 'query', questions: [{ name, type }] } as Packet));
    expect([asks(networkName(network), 'PTR'), asks(networkName(network).toUpperCase(), 'PTR'), asks(networkName(network), 'ANY')]).toEqual([
      true,
      true,
      true,
    ]);
    expect(asksFor(self, roundTrip({ type: 'query', ...questionOf(bob) }))).toBe(true);
    expect(asksFor(self, roundTrip({ type: 'query', ...questionOf(self) }))).toBe(false);
    expect([asks(networkName(network), 'A'), asks(networkName(id('another')), 'PTR')]).toEqual([false, false]);
  });

  it('are skipped when anything in them is malformed', () => {
    const [pointer, service, text] = recordsOf(self, 1, 'a');
    const changed = (data: string[]): Answer[] => [pointer!, service!, { ...text!, data } as Answer];
    const [m, n] = [`m=${self.machine}`, `n=${network}`];
    for (const data of [
      [],
      [n, 'i=a'],
      [m, 'i=a'],
      [m, n],
      [`${m}0`, n, 'i=a'],
      [m.toUpperCase(), n, 'i=a'],
      [m, n, 'i=not/a/token'],
      [m, n, `i=${'a'.repeat(65)}`],
    ]) {
      expect(sightings(network, roundTrip({ type: 'response', answers: changed(data) }))).toEqual([]);
    }
    expect(sightings(network, roundTrip({ type: 'response', answers: recordsOf(self, 0, 'a') }))).toEqual([]);
    expect(sightings(network, roundTrip({ type: 'response', answers: changed([m, n, 'i=a', 'more']) }))).toHaveLength(1);
  });
});
