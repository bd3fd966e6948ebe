import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventOf, Registry } from '@muster/contract';
import { expect, onTestFinished, test } from 'vitest';
import { clock, crypto, freshIdentity, startNode, TEST_NETWORK } from '../../testing/network.ts';
import { ContactStore } from '../contacts/contact-store.ts';
import { Counters } from '../counters.ts';
import { openSqliteStore } from '../../engines/sqlite-store.ts';
import { messagingHandlers } from './handlers.ts';
import type { OverlayEvents } from './overlay.ts';
import { PubSub } from './pubsub.ts';

type TopicEvent = EventOf<Registry['messaging.events']>;

const context = { signal: new AbortController().signal, surface: 'rest' } as const;

test('a reader that does not read holds up nobody, and is told how many messages gave way before it gets the rest', async () => {
  await using only = await startNode();
  const { handlers, services } = only.node;
  const { subscription_id } = (await handlers['messaging.subscribe']({ topic: 't' }, context)) as { subscription_id: string };
  const slow = await handlers['messaging.events']({}, context);
  const payload = Buffer.alloc(256 * 1024).toString('base64');
  const sent = 230;
  for (let index = 0; index < sent; index++) await handlers['messaging.publish']({ topic: 't', payload }, context);
  const got: TopicEvent[] = [];
  const dropped = services.counters.get('events_slow_reader_dropped_total');
  expect(dropped).toBeGreaterThan(0);
  for await (const event of slow.events) if (got.push(event) === sent - dropped + 1) break;
  slow.close();
  const [notice, ...rest] = got;
  expect(notice).toEqual({
    event: 'missed',
    data: { type: 'missed', data: { subscription_id, topic: 't', count: dropped, cause: 'slow_reader' } },
  });
  expect(new Set(rest.map(({ event }) => event))).toEqual(new Set(['message']));
});

test('what can no longer be had after a time away is told to the readers of that topic', async () => {
  const told = Promise.withResolvers<OverlayEvents>();
  const folder = mkdtempSync(join(tmpdir(), 'muster-messaging-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const store = openSqliteStore(join(folder, 'node.sqlite'));
  const overlay = (events: OverlayEvents) => {
    told.resolve(events);
    return { subscribe: () => {}, unsubscribe: () => {}, broadcast: async () => {}, [Symbol.dispose]: () => {} };
  };
  const counters = new Counters();
  const contacts = new ContactStore(store, clock);
  const handlers = messagingHandlers(
    new PubSub({ identity: freshIdentity(), contacts, clock, crypto, network: TEST_NETWORK, counters, overlay }),
    counters,
  );
  const { subscription_id } = (await handlers['messaging.subscribe']({ topic: 't' }, context)) as { subscription_id: string };
  await handlers['messaging.subscribe']({ topic: 'other' }, context);
  const stream = await handlers['messaging.events']({}, context);
  (await told.promise).missed('t', 7);
  const { value: first } = await stream.events[Symbol.asyncIterator]().next();
  expect(first).toEqual({ event: 'missed', data: { type: 'missed', data: { subscription_id, topic: 't', count: 7, cause: 'away' } } });
  stream.close();
  store.close();
});
