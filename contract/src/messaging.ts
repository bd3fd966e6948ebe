/** Publish and subscribe: signed messages to everyone who is interested in a topic. */
import { z } from 'zod';
import { capability } from './capability.ts';
import { anyText, base64, base64Text, count, hex64, topic, TRUST_LEVELS } from './fields.ts';

/** A message as `/events` tells it, wrapped as the compatible API does. */
const messageEvent = z.object({
  type: z.literal('message'),
  data: z.object({
    subscription_id: z.string(),
    topic: z.string(),
    payload: base64Text(),
    sender: hex64().nullable(),
    verified: z.boolean(),
    trust_level: z.enum(TRUST_LEVELS).nullable(),
  }),
});

const TOPIC = 'muster.example';

/**
 * Messages that will not come: at least `count` of the topic. `away`: the node had no link to the topic for so long that nobody keeps them any more;
 * `slow_reader`: this stream was read so slowly that they gave way to later ones.
 */
const missedEvent = z.object({
  type: z.literal('missed'),
  data: z.object({ subscription_id: z.string(), topic: z.string(), count: count(), cause: z.enum(['away', 'slow_reader']) }),
});

export const messaging = {
  publish: capability({
    name: 'messaging.publish',
    summary: 'Publish bytes to a topic',
    method: 'POST',
    path: '/publish',
    auth: 'bearer',
    body: 'json-prefix',
    input: z.object({ topic: topic(), payload: base64() }),
    output: z.object({}),
    shape: 'object',
    status: [200],
    errors: [
      { status: 400, error: 'topic must not be empty', when: 'the topic is empty' },
      { status: 413, error: 'payload too large', when: 'the payload exceeds 262144 bytes' },
      { status: 503, error: 'publish failed: {}', when: 'the message could not be taken over' },
    ],
    nodes: 2,
    surfaces: {
      cli: {
        command: 'publish',
        arguments: [
          { field: 'topic', label: 'TOPIC' },
          { field: 'payload', label: 'TEXT', as: 'text' },
        ],
      },
      client: true,
      ws: 'publish',
      mcp: 'core',
    },
  }),
  subscribe: capability({
    name: 'messaging.subscribe',
    summary: 'Take part in a topic: its messages appear on the event stream from now on',
    method: 'POST',
    path: '/subscribe',
    auth: 'bearer',
    body: 'json-prefix',
    input: z.object({ topic: topic() }),
    output: z.object({ subscription_id: z.string().regex(/^[0-9a-f]{16}$/u) }),
    shape: 'object',
    status: [200],
    errors: [{ status: 503, error: 'too many subscriptions', when: 'the bound on subscriptions is reached' }],
    volatile: ['subscription_id'],
    nodes: 2,
    surfaces: {
      cli: { command: 'subscribe', arguments: [{ field: 'topic', label: 'TOPIC' }], follow: 'messaging.events' },
      client: true,
      ws: 'subscribe',
      mcp: 'core',
    },
    example: { input: { topic: TOPIC }, frame: { topics: [TOPIC] } },
  }),
  unsubscribe: capability({
    name: 'messaging.unsubscribe',
    summary: 'End a subscription: nothing is delivered for it afterwards',
    method: 'DELETE',
    path: '/subscribe/:id',
    auth: 'bearer',
    body: 'none',
    input: z.object({ id: anyText('0123456789abcdef') }),
    output: z.object({}),
    shape: 'object',
    status: [200],
    errors: [{ status: 404, error: 'subscription not found', when: 'there is no such subscription' }],
    nodes: 2,
    surfaces: {
      cli: { command: 'unsubscribe', arguments: [{ field: 'id', label: 'SUBSCRIPTION_ID' }] },
      client: true,
      ws: 'unsubscribe',
      mcp: 'core',
    },
    example: {
      before: [{ call: 'messaging.subscribe', input: { topic: TOPIC } }],
      input: { id: '$before.subscription_id' },
      frame: { topics: [TOPIC] },
    },
  }),
  events: capability({
    name: 'messaging.events',
    summary: 'Stream the messages of every subscription of this daemon',
    method: 'GET',
    path: '/events',
    auth: 'query',
    body: 'none',
    input: z.object({}),
    output: z.undefined(),
    shape: 'stream',
    status: [200],
    keepAliveMs: 15_000,
    events: { message: messageEvent, missed: missedEvent },
    volatile: ['data.subscription_id'],
    nodes: 2,
    surfaces: { cli: { command: 'events' }, client: true, ws: 'message', mcp: { absent: 'a tool call returns once; it cannot stream' } },
    example: {
      before: [{ call: 'messaging.subscribe', input: { topic: TOPIC } }],
      frame: { topics: [TOPIC] },
      trigger: { call: 'messaging.publish', input: { topic: TOPIC, payload: 'aGVsbG8=' }, by: 'peer' },
    },
  }),
};
