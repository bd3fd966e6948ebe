import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from './free-port.ts';

test('ports are free, differ, and are none that an outgoing connection may take', async () => {
  const ports = await Promise.all(Array.from({ length: 40 }, () => freePort()));
  expect(new Set(ports).size).toBe(40);
  expect(Math.max(...ports)).toBeLessThan(32_768);
  await using server = createServer().listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
});

test('a port that is taken is left out', async () => {
  const port = await freePort();
  await using server = createServer().listen(port + 1, '127.0.0.1');
  await once(server, 'listening');
  expect(await freePort()).toBeGreaterThan(port + 1);
});
