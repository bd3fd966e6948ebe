/** What several saboteurs wrap: the streams of a node, its reads, what it finds when it starts, what its peers say. */
import type { EventOf, Registry } from '@muster/contract';
import type { Handlers, NodePorts, Services, Store } from '@muster/node';
import { decodeStrict, toHex } from '@muster/protocol';
import { overlaid } from './overlaid.ts';

type TopicEvent = EventOf<Registry['messaging.events']>;
export type MessageEvent = Extract<TopicEvent, { event: 'message' }>;
export type Row = Readonly<Record<string, unknown>>;

/** Passes what `/events` tells through `change`, which begins anew with each stream. */
export function topicEvents(
  handlers: Handlers<Registry>,
  change: (events: AsyncIterable<TopicEvent>) => AsyncGenerator<TopicEvent>,
): Partial<Handlers<Registry>> {
  return {
    'messaging.events': async (input, context) => {
      const stream = await handlers['messaging.events'](input, context);
      return { events: change(stream.events), close: () => stream.close() };
    },
  };
}

/** Passes the messages of `/events` through `change`: what it returns is delivered instead. `n` counts the messages of one stream. */
export function messages(handlers: Handlers<Registry>, change: (event: MessageEvent, n: number) => MessageEvent[]): Partial<Handlers<Registry>> {
  return topicEvents(handlers, async function* (events) {
    let n = 0;
    for await (const event of events) yield* event.event === 'message' ? change(event, ++n) : [event];
  });
}

/** The store with other answers to reads of one key. */
export function readings(store: Store, get: (key: string, value: Uint8Array | undefined) => Uint8Array | undefined): Store {
  return overlaid(store, { get: (key) => get(key, store.get(key)) });
}

/** The store with other answers to reads of the rows below a prefix, single or many. */
export function rows({ store, ...ports }: NodePorts, prefix: string, change: (row: Row) => Row): NodePorts {
  const changed = (key: string, value: Uint8Array): Uint8Array =>
    key.startsWith(prefix) ? Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(value).toString()) as Row))) : value;
  const get: Store['get'] = (key) => {
    const value = store.get(key);
    return value && changed(key, value);
  };
  const range: Store['range'] = (asked) => store.range(asked).map(({ key, value }) => ({ key, value: changed(key, value) }));
  return { ...ports, store: overlaid(store, { get, range }) };
}

/** Finds nothing below these prefixes when it starts; `most`: only so many rows are gone. */
export function forgets(ports: NodePorts, prefixes: readonly string[], most?: number): NodePorts {
  const gone = prefixes.flatMap((prefix) => ports.store.range({ prefix, ...(most !== undefined && { limit: most }) }));
  if (gone.length > 0)
    ports.store.batch(
      gone.map(({ key }) => ({ key, value: null })),
      'durable',
    );
  return ports;
}

/** The gauges and counters of a node with other numbers. */
export function metrics(handlers: Handlers<Registry>, change: (text: string) => string): Partial<Handlers<Registry>> {
  return { 'status.metrics': async (input, context) => change(String(await handlers['status.metrics'](input, context))) };
}

/** A counter that says one in a hundred more. */
export function inflated(text: string, name: string): string {
  return text.replace(
    new RegExp(`^(muster_${name}) (\\d+)$`, 'm'),
    (_, counter: string, value: string) => `${counter} ${Math.ceil(Number(value) * 1.01)}`,
  );
}

/** What a peer published, before anybody looked whether it may. */
export interface Overheard {
  readonly bytes: Uint8Array;
  /** made for another network than that of the link */
  readonly foreign: boolean;
  readonly topic: string;
  /** Unix ms */
  readonly issued: number;
  readonly expires: number;
}

/** Delivers on `/events`, besides what is to be delivered, those messages of peers that are `wanted`. */
export function overheard(handlers: Handlers<Registry>, { links }: Services, wanted: (message: Overheard) => boolean): Partial<Handlers<Registry>> {
  return topicEvents(handlers, async function* (events) {
    const waiting: MessageEvent[] = [];
    let wake = (): void => {};
    links.on({
      up: () => {},
      down: () => {},
      message: (link, message) => {
        if (message.kind !== 'publish') return;
        const [header, payload] = decodeStrict(message.envelope, message.envelope.length) as [unknown[], Uint8Array];
        const [, kind, network, , topic, issued, expires] = header as [number, string, Uint8Array, Uint8Array, string, number, number];
        if (kind !== 'publish' || !wanted({ bytes: message.envelope, foreign: toHex(network) !== link.hello.network, topic, issued, expires }))
          return;
        const from = { payload: Buffer.from(payload).toString('base64'), sender: link.agent as string, verified: true, trust_level: null };
        waiting.push({ event: 'message', data: { type: 'message', data: { subscription_id: '0'.repeat(16), topic, ...from } } });
        wake();
      },
    });
    const real = events[Symbol.asyncIterator]();
    let next = real.next();
    for (;;) {
      const woken = new Promise<'woken'>((resolve) => (wake = () => resolve('woken')));
      while (waiting.length > 0) yield waiting.shift()!;
      const first = await Promise.race([next, woken]);
      if (first === 'woken') continue;
      if (first.done) return;
      yield first.value;
      next = real.next();
    }
  });
}
