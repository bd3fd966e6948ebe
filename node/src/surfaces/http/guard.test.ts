import { describe, expect, it } from 'vitest';
import { isAllowedHost } from './guard.ts';

describe('the Host guard', () => {
  it.each([
    ['192.168.1.5:12700', '192.168.1.5', true],
    ['192.168.1.6:12700', '192.168.1.5', false],
    ['localhost:12700', '192.168.1.5', true],
    ['node.example:12700', 'node.example', true],
    ['NODE.example', 'node.example', true],
    ['[fd00::5]:1', 'fd00::5', true],
    ['192.168.1.5', '0.0.0.0', true],
    ['[fd00::5]', '::', true],
    ['node.example', '0.0.0.0', false],
    ['127.0.0.1.example', '::', false],
    ['127.0.0.1:1:1', '::', false],
    ['fd00::5', '::', false],
  ])('%s on a node bound to %s: %s', (host, bound, allowed) => {
    expect(isAllowedHost(host, bound)).toBe(allowed);
  });
});
