import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { memoryRecorder } from '../testing/journals.ts';
import { seededRandom } from '../runner/random.ts';
import { FaultInjector } from './fault-injector.ts';
import { HalfOpenProxy } from './half-open-proxy.ts';
import { badPaths, partition } from './link-faults.ts';
import { LinkShaper, type LinkConditions } from './link-shaper.ts';

const seed = { seed: 20261121 };
const shaper = (conditions: LinkConditions, chance = '1', log?: (decision: string) => void) =>
  new LinkShaper(conditions, seededRandom(chance, 'link'), log);

describe('a link shaper', () => {
  test('never lets bytes overtake one another, nor arrive before their delay', () => {
    const conditions = fc.record({
      delayMs: fc.integer({ min: 0, max: 100 }),
      jitterMs: fc.integer({ min: 0, max: 100 }),
      loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
      reordering: fc.double({ min: 0, max: 1, noNaN: true }),
      duplication: fc.double({ min: 0, max: 1, noNaN: true }),
      bytesPerSecond: fc.integer({ min: 1_000, max: 1_000_000 }),
    });
    const chunks = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 20_000 }), after: fc.integer({ min: 0, max: 50 }) }), { minLength: 1 });
    const law = fc.property(conditions, chunks, fc.string(), (bad, sent, chance) => {
      const path = shaper(bad, chance);
      let [now, last] = [0, 0];
      for (const { bytes, after } of sent) {
        now += after;
        const arrives = path.arrival(bytes, now);
        expect(arrives).toBeGreaterThanOrEqual(Math.max(last, now + bad.delayMs + (bytes / bad.bytesPerSecond) * 1_000));
        last = arrives;
      }
      const bytes = sent.reduce((sum, chunk) => sum + chunk.bytes, 0);
      expect(last).toBeGreaterThanOrEqual((bytes / bad.bytesPerSecond) * 1_000);
      expect(path.record).toMatchObject({ chunks: sent.length, bytes });
    });
    fc.assert(law, seed);
  });

  test('decides the same for the same seed, and says each decision', () => {
    const run = (chance: string) => {
      const said: string[] = [];
      const path = shaper({ delayMs: 5, jitterMs: 20, loss: 0.2 }, chance, (decision) => said.push(decision));
      for (let n = 0; n < 200; n++) path.arrival(2_000, n);
      return { said, record: path.record };
    };
    expect(run('1')).toEqual(run('1'));
    expect(run('1').said).toHaveLength(200);
    expect(run('2').record.decisions).not.toBe(run('1').record.decisions);
  });

  test('loses the share of segments that was asked for', () => {
    const path = shaper({ loss: 0.1 });
    for (let n = 0; n < 5_000; n++) path.arrival(1_460, n * 1_000_000);
    expect(path.record.lost / 5_000).toBeGreaterThan(0.08);
    expect(path.record.lost / 5_000).toBeLessThan(0.12);
  });

  test('lets the share of segments be overtaken that was asked for: they come up to three times as late, and what is behind them waits', () => {
    const said: string[] = [];
    const path = shaper({ delayMs: 10, reordering: 0.1 }, '1', (decision) => said.push(decision));
    for (let n = 0; n < 5_000; n++) path.arrival(1_460, n * 1_000_000);
    expect(path.record.overtaken / 5_000).toBeGreaterThan(0.08);
    expect(path.record.overtaken / 5_000).toBeLessThan(0.12);
    for (const decision of said) {
      const [, , late, , overtaken] = decision.split(' ').map(Number);
      if (overtaken === 0) expect(late).toBe(10);
      else expect([late! > 10, late! < 30]).toEqual([true, true]);
    }
    const [first, second] = [path.arrival(1_460, 1e12), path.arrival(1_460, 1e12)];
    expect(second).toBeGreaterThanOrEqual(first);
  });

  test('sends the share of segments twice that was asked for, which takes up the path as often', () => {
    const path = shaper({ bytesPerSecond: 1_000, duplication: 0.5 });
    let last = 0;
    for (let n = 0; n < 2_000; n++) last = path.arrival(1_000, 0);
    const { doubled } = path.record;
    expect(doubled / 2_000).toBeGreaterThan(0.45);
    expect(doubled / 2_000).toBeLessThan(0.55);
    expect(last).toBeCloseTo((2_000 + doubled) * 1_000, 3);
    // Of a last segment only what there is of it.
    expect(shaper({ bytesPerSecond: 1_000, duplication: 1 }).arrival(2_000, 0)).toBeCloseTo(4_000, 3);
  });

  test('refuses what no path has', () => {
    expect(() => shaper({ reordering: 1.1 })).toThrow(/reordering/);
    expect(() => shaper({ duplication: -0.1 })).toThrow(/duplication/);
    expect(() => shaper({ loss: 1 })).toThrow(/loss/);
    expect(() => shaper({ delayMs: -1 })).toThrow(/delay/);
    expect(() => shaper({ bytesPerSecond: 0 })).toThrow(/bytes/);
  });
});

/** A link to an echo server, and a socket that talks through it. */
async function echoed() {
  const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await HalfOpenProxy.start(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const dial = () => connect(Number(proxy.address.split(':')[1]), '127.0.0.1').on('error', () => undefined);
  const socket = dial();
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  return {
    link: { from: 'bob', to: 'alice', path: proxy },
    socket,
    dial,
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await proxy[Symbol.asyncDispose]();
      server.close();
    },
  };
}

const until = (condition: () => boolean, what: string) => eventually(systemClock, condition, { within: 5_000, every: 2, what });

test('a bad path delays both ways, in order, shows it, and heals without losing a byte', async () => {
  await using echo = await echoed();
  const { recorder, lines } = memoryRecorder();
  await using faults = new FaultInjector(recorder, systemClock, 'test');
  const decisions: string[] = [];
  const path = badPaths([echo.link], ['alice'], { delayMs: 60, jitterMs: 20 }, (name) => seededRandom('7', name), (name, one) => decisions.push(`${name} ${one}`)); // prettier-ignore
  const injecting = faults.inject(path);
  const start = systemClock.monotonic();
  const words = Array.from({ length: 50 }, (_, n) => `${n},`);
  for (const word of words) echo.socket.write(word);
  await until(() => echo.heard() === words.join(''), 'the echo');
  expect(systemClock.monotonic() - start).toBeGreaterThanOrEqual(119);
  const fault = await injecting;
  expect(fault.bit).toBe(true);
  expect(decisions.map((line) => line.split(' ')[0])).toEqual(expect.arrayContaining(['bob→alice', 'alice→bob']));
  echo.socket.write('late');
  const healing = fault.heal();
  echo.socket.write(' and healed');
  await until(() => echo.heard().endsWith('late and healed'), 'what was on the way, before what came after');
  expect(await healing).toBe(true);
  expect(lines.at(-1)).toMatchObject({ stage: 'heal_seen' });
});

test('a partition bites when each cut way has withheld something, and is healed when each carries again', async () => {
  await using one = await echoed();
  await using other = await echoed();
  const { recorder } = memoryRecorder();
  await using faults = new FaultInjector(recorder, systemClock, 'test');
  const links = [one.link, { ...other.link, from: 'carol' }];
  const [from, to] = [['bob', 'carol'], 'alice'] as const;
  const parts = { shape: 'single', groups: [['alice'], ['bob', 'carol']], cuts: from.map((name) => ({ from: name, to })) } as const;
  for (const echo of [one, other]) await once(echo.socket, 'connect');
  const mute = faults.inject(partition(links, parts), { bite: 50, heal: 50 });
  one.socket.write('lost');
  expect((await mute).bit).toBe(false);
  await (await mute).heal();
  const injecting = faults.inject(partition(links, parts));
  const again = [one, other].map((echo) => echo.dial().resume());
  for (const socket of again) socket.write('lost too');
  const fault = await injecting;
  expect(fault.bit).toBe(true);
  const healing = fault.heal();
  const back = [one, other].map((echo) => echo.dial().resume());
  for (const socket of back) socket.write('found');
  expect(await healing).toBe(true);
  for (const socket of [...again, ...back]) socket.destroy();
  expect(() => partition(links, { ...parts, cuts: [{ from: 'bob', to: 'carol' }] })).toThrow(/no link between bob and carol/);
});
