import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { clockPortTest } from './clock.port-test.ts';
import { systemClock } from './clock.ts';

clockPortTest(() => {
  const clock = systemClock();
  return { clock, pass: (ms) => clock.sleep(ms) };
});

it('runs a task whose delay no timer can hold not at once', async () => {
  const clock = systemClock();
  let ran = false;
  using _task = clock.after(2 ** 40, () => (ran = true));
  await clock.sleep(10);
  expect(ran).toBe(false);
});

it('does not keep a process alive for its tasks', () => {
  const script = `import { systemClock } from ${JSON.stringify(new URL('./clock.ts', import.meta.url).href)};
    systemClock().after(60_000, () => {}); systemClock().every(60_000, () => {}); console.log('end');`;
  expect(
    execFileSync(process.execPath, ['--conditions=muster-source', '--input-type=module', '-e', script], { encoding: 'utf8', timeout: 10_000 }),
  ).toBe('end\n');
});
