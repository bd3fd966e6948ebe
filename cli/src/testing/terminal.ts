/** A person at a terminal: `script` gives the program a real one. */
import { once } from 'node:events';
import { join } from 'node:path';
import type { OwnHome } from './own-home.ts';

/** Runs `muster` and types each answer once its question is on the screen. */
export async function typing(
  home: OwnHome,
  args: readonly string[],
  answers: readonly (readonly [question: string, typed: string])[],
): Promise<{ readonly code: number | null; readonly screen: string }> {
  const words = [process.execPath, '--conditions=muster-source', join(import.meta.dirname, '..', 'muster.ts'), ...args];
  const line = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  const child = home.run('script', ['-qec', line, '/dev/null'], {}, 'pipe');
  let screen = '';
  let seen = 0;
  const waiting = [...answers];
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    screen += chunk;
    for (let next = waiting[0]; next && screen.includes(next[0], seen); next = waiting[0]) {
      seen = screen.indexOf(next[0], seen) + next[0].length;
      child.stdin!.write(next[1]);
      waiting.shift();
    }
  });
  await once(child, 'close');
  return { code: child.exitCode, screen };
}
