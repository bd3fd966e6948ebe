/** Most claims here are the compiler's: `tsc -p tsconfig.test.json` fails when an expected error is none. */
import { capability } from '@muster/contract';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EventQueue } from './event-queue.ts';
import type { Handlers, SocketSession } from './handlers.ts';
import { Reply } from './handlers.ts';

const common = {
  method: 'GET',
  path: '/',
  auth: 'bearer',
  body: 'none',
  summary: '',
  status: [200],
  surfaces: { cli: { absent: '' }, client: true, ws: { absent: '' }, mcp: 'core' },
} as const;
const frames = { say: z.object({ type: z.literal('say'), text: z.string() }), ping: z.object({ type: z.literal('ping') }) };
const events = { said: z.object({ type: z.literal('said'), text: z.string() }) };
const registry = {
  'a.get': capability({ ...common, name: 'a.get', input: z.object({ id: z.string() }), output: z.object({ size: z.number() }), shape: 'object' }),
  'a.drop': capability({ ...common, name: 'a.drop', input: z.object({}), output: z.undefined(), shape: 'empty' }),
  'a.watch': capability({
    ...common,
    name: 'a.watch',
    input: z.object({}),
    output: z.undefined(),
    shape: 'stream',
    events: { seen: z.object({ n: z.number() }) },
  }),
  'a.talk': capability({ ...common, name: 'a.talk', input: z.object({}), output: z.undefined(), shape: 'socket', events, frames }),
  'a.shout': capability({
    ...common,
    name: 'a.shout',
    input: z.object({}),
    output: z.undefined(),
    shape: 'socket',
    events: { ...events, shouted: z.object({ type: z.literal('shouted') }) },
    frames,
  }),
};
type All = Handlers<typeof registry>;

const talk = (session: SocketSession<(typeof registry)['a.talk']>): void => {
  session.onFrame((frame) => session.send({ type: 'said', text: frame.text }));
  // @ts-expect-error the surface answers ping itself
  session.onFrame((frame) => frame.type === 'ping');
  // @ts-expect-error no such frame is declared
  session.send({ type: 'sung', text: '' });
};

const complete: All = {
  'a.get': ({ id }) => ({ size: id.length }),
  'a.drop': () => {},
  'a.watch': () => {
    const events = new EventQueue<{ event: 'seen'; data: { n: number } }>(1);
    return { events, close: () => events.close() };
  },
  'a.talk': talk,
  // A socket that may say more can be handled by what says less.
  'a.shout': talk,
};

const { 'a.drop': _left, ...rest } = complete;
// @ts-expect-error a capability is left out
const incomplete: All = rest;

const wrong: Pick<All, 'a.get'>[] = [
  // @ts-expect-error another shape than declared
  { 'a.get': () => ({ size: 'large' }) },
  // @ts-expect-error a field that the input does not have
  { 'a.get': ({ name }) => ({ size: name.length }) },
  // @ts-expect-error another shape inside a reply
  { 'a.get': () => Reply.of(201, { width: 1 }) },
  { 'a.get': async () => Reply.of(201, { size: 1 }) },
];

describe('handlers', () => {
  it('answer with their declared output, or with a reply that carries it', async () => {
    expect(await complete['a.get']({ id: 'four' }, { signal: new AbortController().signal, surface: 'rest' })).toEqual({ size: 4 });
    expect(await wrong.at(-1)!['a.get']({ id: '' }, { signal: new AbortController().signal, surface: 'ws' })).toEqual(Reply.of(201, { size: 1 }));
    expect(Object.keys(incomplete)).not.toContain('a.drop');
  });
});
