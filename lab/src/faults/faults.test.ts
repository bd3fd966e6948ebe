import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { JournalLine } from '@muster/proof';
import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { fakeDaemon } from '../testing/fake-daemon.ts';
import { memoryRecorder } from '../testing/journals.ts';
import { startLocalWorld } from '../world/local-process.ts';
import { type Fault, FaultInjector, mendAll, type Mechanism, NotYet } from './fault-injector.ts';
import { halfOpen } from './half-open.ts';
import { HalfOpenProxy } from './half-open-proxy.ts';
import { kill, pause, restart } from './process-faults.ts';

function stages(lines: readonly JournalLine[]): string[] {
  return lines.flatMap((line) => (line.type === 'fault' ? [line.stage] : []));
}

const ALL_STAGES = ['requested', 'applied', 'bit', 'healed', 'heal_seen'];

test.for([
  ['kill', kill, { processes: 0, api: 'refused' }],
  ['restart', restart, { processes: 0, api: 'refused' }],
  ['pause', pause, { stopped: 1, api: 'silent' }],
] as const)('%s bites, heals, and shows both', async ([kind, mechanism, evidence]) => {
  await using world = await startLocalWorld({ command: fakeDaemon(), nodes: ['alice'] });
  const alice = world.node('alice');
  const { recorder, lines } = memoryRecorder();
  await using faults = new FaultInjector(recorder, systemClock, 'test');
  const fault = await faults.inject(mechanism(alice));
  expect(fault).toMatchObject({ id: `test/${kind}-1`, node: 'alice', bit: true });
  expect(lines.at(-1)).toMatchObject({ stage: 'bit', evidence: { seen: evidence } });
  expect(await fault.heal()).toBe(true);
  expect(await alice.health()).toMatchObject({ state: 'healthy' });
  expect(stages(lines)).toEqual(ALL_STAGES);
  expect(alice.died).toBeUndefined();
});

test('a fault that cannot be seen to bite says so and records no bite', async () => {
  const { recorder, lines } = memoryRecorder();
  await using faults = new FaultInjector(recorder, systemClock, 'test');
  const nothing: Mechanism = {
    kind: 'nothing', node: 'alice', apply: async () => null, bites: async () => undefined, heal: async () => null, healed: async () => undefined,
  }; // prettier-ignore
  const fault = await faults.inject(nothing, { bite: 30, heal: 30 });
  expect(fault.bit).toBe(false);
  expect(await fault.heal()).toBe(false);
  expect(stages(lines)).toEqual(['requested', 'applied', 'healed']);
});

test('whatever is still broken is healed at the end, once', async () => {
  await using world = await startLocalWorld({ command: fakeDaemon(), nodes: ['alice', 'bob'] });
  const { recorder, lines } = memoryRecorder();
  {
    await using faults = new FaultInjector(recorder, systemClock, 'test');
    await faults.inject(pause(world.node('alice')));
    const killed = await faults.inject(kill(world.node('bob')));
    expect(faults.active).toBe(2);
    await killed.heal();
    expect(faults.active).toBe(1);
  }
  for (const node of world.nodes) expect(await node.health()).toMatchObject({ state: 'healthy' });
  expect(stages(lines).filter((stage) => stage === 'heal_seen')).toHaveLength(2);
});

test('what cannot be healed before something else is is healed after it, and says why it was not', async () => {
  const { recorder, lines } = memoryRecorder();
  const healed = new Set<string>();
  const after = (kind: string, other?: string): Mechanism => ({
    kind, node: 'alice', apply: async () => null, bites: async () => true,
    async heal() {
      if (other !== undefined && !healed.has(other)) throw new NotYet(`after ${other}`);
      healed.add(kind);
      return null;
    },
    healed: async () => true,
  }); // prettier-ignore
  const faults = new FaultInjector(recorder, systemClock, 'test');
  const all = [];
  for (const mechanism of [after('third', 'second'), after('second', 'first'), after('first')]) all.push(await faults.inject(mechanism));
  const [third, second, first] = all as [Fault, Fault, Fault];
  expect([await third.heal(), await mendAll([third, second]), faults.active]).toEqual([false, [], 3]);
  expect(lines.at(-1)).toMatchObject({ stream: 'faults', event: 'not-healed', data: { fault: second.id, node: 'alice', why: 'after first' } });
  expect(await mendAll(all)).toEqual([first, second, third]);
  expect(await third.heal()).toBe(true);
  healed.clear();
  for (const mechanism of [after('second', 'first'), after('first')]) await faults.inject(mechanism);
  await faults.healAll();
  expect([faults.active, stages(lines).filter((stage) => stage === 'heal_seen')]).toEqual([0, ['heal_seen', 'heal_seen', 'heal_seen']]);
});

test('one that cannot be healed keeps no other from it, whichever must be before that', async () => {
  const { recorder, lines } = memoryRecorder();
  let roomy = false;
  const mechanism = (kind: string, heal: () => Promise<null>): Mechanism => ({
    kind, node: 'alice', apply: async () => null, bites: async () => true, heal, healed: async () => true,
  }); // prettier-ignore
  const started = mechanism('started', async () => {
    await systemClock.sleep(20);
    if (!roomy) throw new NotYet('there is no room');
    return null;
  });
  const emptied = mechanism('emptied', async () => {
    await systemClock.sleep(40);
    roomy = true;
    return null;
  });
  const broken = mechanism('broken', () => Promise.reject(new Error('it stays broken')));
  const faults = new FaultInjector(recorder, systemClock, 'test');
  const all: Fault[] = [];
  for (const one of [started, emptied, broken]) all.push(await faults.inject(one));
  await faults.healAll();
  const healed = lines.flatMap((line) => (line.type === 'fault' && line.stage === 'heal_seen' ? [line.kind] : []));
  expect([healed.toSorted(), faults.active]).toEqual([['emptied', 'started'], 1]);
  await expect(mendAll(all)).rejects.toThrow('it stays broken');
});

test('a half-open link bites only once bytes were withheld, and heals only once bytes flow again', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await using proxy = await HalfOpenProxy.start(`127.0.0.1:${port}`);
  const talk = async (text: string) => {
    const socket = connect(Number(proxy.address.split(':')[1]), '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  };
  const { recorder, lines } = memoryRecorder();
  await using faults = new FaultInjector(recorder, systemClock, 'test');
  const link = { from: 'bob', to: 'alice', path: proxy };
  const quiet = await faults.inject(halfOpen(link, 'bob'), { bite: 30, heal: 30 });
  expect(quiet.bit).toBe(false);
  expect(await quiet.heal()).toBe(false);

  const injecting = faults.inject(halfOpen(link, 'bob'));
  const mute = await talk('lost');
  const fault = await injecting;
  expect(fault.bit).toBe(true);
  const healing = fault.heal();
  const heard = await talk('found');
  expect(await healing).toBe(true);
  expect(lines.at(-1)).toMatchObject({ stage: 'heal_seen', evidence: { seen: { bytes_forwarded: 5 } } });
  for (const socket of [mute, heard]) socket.destroy();
  server.close();
});
