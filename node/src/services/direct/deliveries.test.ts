/** Which messages go on when a link comes up again. */
import type { AgentId } from '@muster/protocol';
import { expect, test } from 'vitest';
import { Counters } from '../counters.ts';
import { clock, eventually } from '../../testing/network.ts';
import type { Link } from '../links/link.ts';
import { Deliveries } from './deliveries.ts';
import type { DeliveryParts } from './deliveries.ts';
import type { PendingMessage } from './outbox.ts';

const agent = 'a'.repeat(64) as AgentId;

test('what was withdrawn while others before it went on is not sent', async () => {
  const waiting = new Map(['1', '2', '3'].map((requestId) => [requestId, { requestId, to: agent, expires: Infinity, bytes: 0 } as PendingMessage]));
  const carried: string[] = [];
  const parts = {
    outbox: {
      pending: () => [...waiting.values()],
      get: (requestId: string) => waiting.get(requestId),
      committed: ({ requestId }: PendingMessage) => waiting.delete(requestId),
    },
    routes: {
      to: () =>
        Promise.resolve({
          path: 'raw_quic_acked',
          patience: 60_000,
          carry: ({ requestId }: PendingMessage) => {
            carried.push(requestId);
            return Promise.resolve('handed over');
          },
        }),
    },
    clock,
    counters: new Counters(),
    log: { write: () => {} },
    trace: { outgoing: () => {} },
  };
  using deliveries = new Deliveries(parts as unknown as DeliveryParts);
  deliveries.linkUp({ agent } as Link);
  await eventually('the first is on its way', () => carried.length === 1);
  waiting.delete('2');
  deliveries.acknowledged(agent, '1', { kind: 'committed' }, 'raw_quic_acked');
  await eventually('another is', () => carried.length === 2);
  expect(carried).toEqual(['1', '3']);
});
