import { expect, test } from 'vitest';
import { clock, eventually, freshIdentity, linked, startNode } from '../../testing/network.ts';
import { LinkHistory } from './link-history.ts';

test('a link that takes the place of another is told as such, and the former one as closing', async () => {
  await using a = await startNode();
  const history = new LinkHistory(a.node.services.links, clock, a.identity.machineId);
  const told: string[] = [];
  using _listener = history.onEvent(({ event }) => told.push(event));
  const identity = freshIdentity();
  await using first = await startNode({ identity, bootstrapPeers: [a.address] });
  await linked(a, first);
  expect(history.dialledFrom).toBe('loopback');
  await using _again = await startNode({ identity, bootstrapPeers: [a.address] });
  await eventually('the second took over', () => told.length >= 3);
  expect(told.slice(0, 3)).toEqual([
    'Established { generation: 1 }',
    'Replaced { old_generation: 1, new_generation: 2 }',
    'Closing { generation: 1, reason: "superseded" }',
  ]);
  await eventually('the first is closed', () => told.some((event) => event.startsWith('Closed { generation: 1, reason: ')));
  expect(history.ended(identity.machineId)).toBeUndefined();
});

test('what is no longer listened to is not told, and how a link ended is remembered', async () => {
  await using a = await startNode();
  const history = new LinkHistory(a.node.services.links, clock, a.identity.machineId);
  const told: string[] = [];
  const listener = history.onEvent(({ event }) => told.push(event));
  const b = await startNode({ bootstrapPeers: [a.address] });
  await linked(a, b);
  listener[Symbol.dispose]();
  await b[Symbol.asyncDispose]();
  await eventually('the link is gone', () => history.ended(b.identity.machineId) !== undefined);
  expect(told).toEqual(['Established { generation: 1 }']);
  expect(history.ended(b.identity.machineId)).toMatchObject({ generation: 1, reason: expect.stringContaining('shutting down') });
});
