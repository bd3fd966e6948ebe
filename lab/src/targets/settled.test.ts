import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { SABOTEURS } from '../saboteurs/saboteurs.ts';
import { sabotagedDaemon } from '../saboteurs/sabotaged-daemon.ts';
import { localTarget } from './local-target.ts';
import { probeHealth } from '../world/health.ts';
import { settled } from './settled.ts';

const target = localTarget({ command: sabotagedDaemon(SABOTEURS[0]!) });

test('nodes are linked by the time their world is handed over, and it does not take the whole patience', async () => {
  let slept = 0;
  const clock = { ...systemClock, sleep: (ms: number, signal?: AbortSignal) => ((slept += ms), systemClock.sleep(ms, signal)) };
  await using world = await settled(target, clock).open({ nodes: 2 });
  const health = await Promise.all(world.nodes.map(({ address }) => probeHealth(address, 1000)));
  expect(health).toMatchObject([{ peers: 1 }, { peers: 1 }]);
  expect(slept).toBeLessThan(5000);
});

test('an interrupted wait takes the world down', async () => {
  const interrupt = new AbortController();
  const opened: { address: string }[] = [];
  const lonely = {
    ...target,
    async open() {
      const world = await target.open({ nodes: 1 });
      opened.push(...world.nodes);
      interrupt.abort(new Error('never mind'));
      return { ...world, nodes: [...world.nodes, ...world.nodes], [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
    },
  };
  await expect(settled(lonely, systemClock).open({ nodes: 2, signal: interrupt.signal })).rejects.toThrow('never mind');
  expect(await probeHealth(opened[0]!.address, 1000)).toEqual({ state: 'refused' });
});
