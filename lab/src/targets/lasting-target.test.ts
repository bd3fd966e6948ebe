import { expect, test } from 'vitest';
import type { TargetNode } from '../record/target-node.ts';
import { lasting } from './lasting-target.ts';
import type { Target, TargetWorld } from './target.ts';

/** Counts what is opened and what has ended. */
function counting() {
  const opened: { readonly nodes: number; dead: boolean; ended: number }[] = [];
  const target: Target = {
    implementation: 'none',
    maxNodes: 9,
    powers: ['world'],
    surfaces: ['rest'],
    async open({ nodes }): Promise<TargetWorld> {
      const entry = { nodes, dead: false, ended: 0 };
      opened.push(entry);
      const node: TargetNode = { name: 'alice', address: '', token: '', get died() { return entry.dead ? { code: 1, signal: null } : undefined; } }; // prettier-ignore
      return { nodes: [node], links: [], logs: [], [Symbol.asyncDispose]: async () => void entry.ended++ };
    },
  };
  return { opened, target };
}

test('whoever asks for the same gets the same nodes, and they end with the target', async () => {
  const { opened, target } = counting();
  {
    await using kept = lasting(target);
    const one = await kept.open({ nodes: 3 });
    await one[Symbol.asyncDispose]();
    const other = await kept.open({ nodes: 3, signal: new AbortController().signal });
    expect(other.nodes).toBe(one.nodes);
    await kept.open({ nodes: 2 });
    expect(opened.map(({ nodes, ended }) => [nodes, ended])).toEqual([[3, 0], [2, 0]]); // prettier-ignore
  }
  expect(opened.map(({ ended }) => ended)).toEqual([1, 1]);
});

test('nodes that died are not handed out again', async () => {
  const { opened, target } = counting();
  await using kept = lasting(target);
  const one = await kept.open({ nodes: 3 });
  opened[0]!.dead = true;
  const other = await kept.open({ nodes: 3 });
  expect(other.nodes).not.toBe(one.nodes);
  expect(opened[0]!.ended).toBe(1);
});
