import { encodePresence, idOfKey, PRESENCE_TOPIC, sealEnvelope } from '@muster/protocol';
import type { AgentId, Beacon, MachineId } from '@muster/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { messageOf, MODEL_NETWORK, modelCrypto, ModelPresence, ring } from './model-presence.test-helper.ts';
import type { ModelAgent } from './model-presence.test-helper.ts';

const SEEN_UP_MS = 5_000;
const HOUR = 3_600_000;

function modelOf(): ModelPresence {
  const model = new ModelPresence();
  onTestFinished(() => model.end());
  return model;
}

/** How often somebody who is alive was seen down by somebody else, looking every 5 s for `ms`. */
async function flaps(model: ModelPresence, ms: number, meanwhile: (step: number) => void = () => {}): Promise<number> {
  let count = 0;
  for (let step = 0; step < ms / 5_000; step++) {
    meanwhile(step);
    await model.clock.pass(5_000);
    if (!model.whole()) count++;
  }
  return count;
}

const others = (model: ModelPresence, than: ModelAgent): ModelAgent[] => model.agents.filter((each) => each !== than && each.alive);
const gone = (model: ModelPresence, agent: ModelAgent) => (): boolean => others(model, agent).every((each) => !model.sees(each, agent));

describe('presence of many, on virtual time', () => {
  test('who comes is seen by all, and sees all, within 5 s, neighbour or not', async () => {
    const model = modelOf();
    const agents = await ring(30, model);
    expect(model.whole()).toBe(true);
    await model.clock.pass(60_000);
    const late = model.start();
    model.link(late, agents[7]!);
    expect(await model.until(() => model.whole(), SEEN_UP_MS)).toBeLessThanOrEqual(SEEN_UP_MS);
  });

  test('a hundred first beacons within ten seconds are a crowd, also those that were told and not delivered', async () => {
    const model = modelOf();
    const one = model.start();
    const say = (index: number, count: number, tell: (message: ReturnType<typeof messageOf>) => void): void => {
      const sender = (1_000 + index).toString(16).padStart(64, '0') as AgentId;
      const machine = 'bb'.repeat(32) as MachineId;
      const beacon = { kind: 'beacon', machine, run: 1, sent: 10 + count, count, interval: 30_000, addresses: [], leaving: false } as const;
      tell(messageOf(sender, encodePresence(beacon)));
    };
    for (let index = 0; index < 200; index++) say(index, 2, one.hears);
    expect(one.service.newcomers.turn()).toBe(0);
    for (let index = 200; index < 250; index++) say(index, 1, one.hears);
    for (let index = 250; index < 299; index++) say(index, 1, one.told);
    expect(one.service.newcomers.turn()).toBe(0);
    say(299, 1, one.told);
    expect(one.service.newcomers.turn()).toBeGreaterThanOrEqual(5_000);
    await model.clock.pass(10_001);
    expect(one.service.newcomers.turn()).toBe(0);
  });

  test('two halves that meet again see one another within 5 s', async () => {
    const model = modelOf();
    const left = await ring(10, model);
    const right = Array.from({ length: 6 }, () => model.start());
    for (const [index, agent] of right.entries()) if (index > 0) model.link(agent, right[index - 1]!);
    await model.clock.pass(100_000);
    model.link(left[3]!, right[2]!);
    expect(await model.until(() => model.whole(), SEEN_UP_MS)).toBeLessThanOrEqual(SEEN_UP_MS);
  });

  test('one that is restarted at once learns who is there within 5 s, though nobody missed it', async () => {
    const model = modelOf();
    const agents = await ring(10, model);
    await model.clock.pass(20_000);
    model.kill(agents[4]!, 'unnoticed');
    const again = model.start(agents[4]);
    model.link(again, agents[5]!);
    expect(await model.until(() => model.whole(), SEEN_UP_MS)).toBeLessThanOrEqual(SEEN_UP_MS);
  });

  test('nobody flaps for four hours at 20 % loss', async () => {
    const model = modelOf();
    await ring(8, model);
    model.loss = 0.2;
    expect(await model.until(() => model.whole(), 120_000)).toBeLessThan(120_000);
    expect(await flaps(model, 4 * HOUR)).toBe(0);
  });

  test.each([
    ['', 0],
    [', at 20 % loss', 0.2],
  ])('links that break every 10 s for an hour bring nobody down who is still reached another way%s', async (_, loss) => {
    const model = modelOf();
    const agents = await ring(8, model);
    model.loss = loss;
    await model.clock.pass(HOUR / 2);
    const cut = await flaps(model, HOUR, (step) => {
      const [one, other] = [agents[(step >> 1) % 8]!, agents[((step >> 1) + 1) % 8]!];
      if (step % 2 === 0) model.unlink(one, other, 20);
      else model.link(one, other);
    });
    expect(cut).toBe(0);
    // They were asked, and answered: the hints were there.
    for (const { counters } of agents) expect(counters.get('presence_asks_total')).toBeGreaterThan(25);
  });

  test.each([
    ['whose links end at once', 20, 12_000],
    ['whose links are found dead after 12 s', 12_000, 24_000],
    ['whose links nobody watches', 'unnoticed', 7.5 * 30_000],
  ] as const)('one that is killed, %s, is seen down by all within %s + its window', async (_, notice, within) => {
    const model = modelOf();
    const agents = await ring(16, model);
    await model.clock.pass(20_000);
    const before = model.published;
    model.kill(agents[3]!, notice);
    await model.clock.pass(4_000);
    expect(others(model, agents[3]!).filter((each) => !model.sees(each, agents[3]!))).toEqual([]);
    expect(await model.until(gone(model, agents[3]!), within - 4_000)).toBeLessThan(within - 4_000);
    expect(model.whole()).toBe(true);
    // Asking is shared: not each of 15 for itself, again and again.
    if (notice === 20) expect(model.published - before).toBeLessThan(60);
  });

  test('one that leaves in order is seen down at once', async () => {
    const model = modelOf();
    const agents = await ring(6, model);
    await agents[0]!.service.leave();
    model.kill(agents[0]!, 20);
    expect(await model.until(gone(model, agents[0]!), 1_000)).toBeLessThan(200);
  });

  test('whose word is not taken is neither online nor believed', async () => {
    const model = modelOf();
    const [a, b] = [model.start(), model.start()];
    a.rejected.add(b.agent);
    model.link(a, b);
    await model.clock.pass(5_000);
    expect([model.sees(a, b), model.sees(b, a)]).toEqual([false, true]);
    expect(a.counters.get('presence_refused_total{reason="machine"}')).toBeGreaterThan(0);
    a.rejected.delete(b.agent);
    await model.clock.pass(30_000);
    expect(model.sees(a, b)).toBe(true);
    a.rejected.add(b.agent);
    expect([model.sees(a, b), a.service.online()]).toEqual([false, []]);
  });

  test('a crowd of askers makes nobody give more than a beacon a second, and nobody doubted for long', async () => {
    const model = modelOf();
    const agents = await ring(6, model);
    const given = (): number => agents[1]!.counters.get('presence_beacons_total{outcome="went-on"}');
    const before = given();
    const payload = encodePresence({ kind: 'ask', agent: agents[0]!.agent });
    const stranger = 'ee'.repeat(32) as AgentId;
    for (let round = 0; round < 600; round++) {
      for (const agent of agents) agent.hears(messageOf(stranger, payload));
      await model.clock.pass(100);
      expect(model.whole()).toBe(true);
    }
    expect(given() - before).toBeLessThanOrEqual(62 + 4 * 3);
  });

  test('in a crowd one that is killed is seen down within 12 s, and many who fall silent together are asked for by turns', async () => {
    const model = modelOf();
    const agents = await ring(48, model);
    expect(await model.until(() => model.whole(), 60_000)).toBeLessThan(60_000);
    model.kill(agents[3]!, 20);
    expect(await model.until(gone(model, agents[3]!), 12_000)).toBeLessThan(12_000);
    const [hub, ...rest] = others(model, agents[3]!);
    const silent = rest.filter((_, index) => index % 2 === 0);
    for (const each of silent) model.link(hub!, each);
    await model.clock.pass(60_000);
    const before = model.published;
    for (const each of silent) model.kill(each, 20);
    await model.clock.pass(10_000);
    expect(model.published - before).toBeLessThan(280);
  });

  test('a beacon that was heard, and one from before it, are refused and go no further', async () => {
    const model = modelOf();
    const [a, b] = [model.start(), model.start()];
    const heard: Uint8Array[] = [];
    const { hears } = a;
    Object.assign(a, {
      hears: (message: Parameters<typeof hears>[0]) => (message.sender === b.agent && heard.push(message.payload), hears(message)),
    });
    model.link(a, b);
    await model.clock.pass(65_000);
    const refused = () => a.counters.get('presence_refused_total{reason="stale"}');
    expect([heard.length > 2, refused()]).toEqual([true, 0]);
    for (const payload of [heard.at(-1)!, heard[0]!]) hears(messageOf(b.agent, payload));
    expect(refused()).toBe(2);
  });

  test('a hundred first beacons that are heard are a crowd; that walks bring them, or that one agent gives them, is none', async () => {
    const model = modelOf();
    const first = (sent: number, machine: MachineId): Beacon => {
      return { kind: 'beacon', machine, run: 0, sent, count: 1, interval: 30_000, addresses: [], leaving: false };
    };
    const [walked, gossiped, fooled] = [model.start(), model.start(), model.start()];
    for (let index = 0; index < 100; index++) {
      const key = modelCrypto.signingKey();
      const agent = idOfKey<AgentId>(modelCrypto, key.publicKey);
      const payload = encodePresence(first(index, walked.machine));
      const route = { kind: 'announce', network: MODEL_NETWORK, to: PRESENCE_TOPIC } as const;
      const envelope = await sealEnvelope(modelCrypto, key, { ...route, payload, issued: 0, expires: 60_000 });
      expect(await walked.service.offered(envelope)).toBe(true);
      gossiped.hears(messageOf(agent, payload));
      fooled.hears(messageOf('ee'.repeat(32) as AgentId, payload));
    }
    expect([walked, gossiped, fooled].map(({ service }) => service.table.size)).toEqual([100, 100, 1]);
    expect([walked, gossiped, fooled].map(({ service }) => service.newcomers.turn() > 0)).toEqual([false, true, false]);
  });

  test('what makes no sense is refused and counted', async () => {
    const model = modelOf();
    const [a] = [model.start()];
    const payload = Uint8Array.of(1, 2, 3);
    a.hears(messageOf('ee'.repeat(32) as AgentId, payload));
    expect([a.counters.get('presence_refused_total{reason="malformed"}'), a.service.table.size]).toEqual([1, 0]);
  });
});
