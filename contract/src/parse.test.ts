import { expect, test } from 'vitest';
import { z } from 'zod';
import { capability, type Capability } from './capability.ts';
import { agentId, topic } from './fields.ts';
import { sourceOf } from './inputs.ts';
import { parseInput, type RequestParts } from './parse.ts';
import { registry } from './registry.ts';

const ID = 'Ab'.repeat(32);
const id = ID.toLowerCase();
const UNPROCESSABLE = 'Failed to deserialize the JSON body into the target type: ';

/** `[status, text or error]`, or the input. */
function outcome(declared: Capability, parts: RequestParts): unknown {
  const parsed = parseInput(declared, parts);
  if (parsed.ok) return parsed.input;
  return [parsed.status, parsed.text ?? parsed.json];
}
const refused = (error: string) => [400, { ok: false, error }];

const add = registry['contacts.add'];

test('ids and words are read in any case, defaults are filled in, null means absent', () => {
  expect(outcome(add, { body: { agent_id: ID, label: null } })).toEqual({ agent_id: id, trust_level: 'known' });
  expect(outcome(add, { body: { agent_id: ID, trust_level: 'Trusted' } })).toEqual({ agent_id: id, trust_level: 'trusted' });
});

test.each([
  ['a missing field', {}, [422, `${UNPROCESSABLE}agent_id: missing field \`agent_id\``]],
  ['a wrong type', { agent_id: 7 }, [422, `${UNPROCESSABLE}agent_id: Invalid input: expected string, received number`]],
  ['null for a field with a default', { agent_id: ID, trust_level: null }, [422, expect.stringContaining('trust_level')]],
  [
    'an unknown field',
    { agent_id: ID, colour: 1 },
    [422, `${UNPROCESSABLE}colour: unknown field, expected one of \`agent_id\`, \`trust_level\`, \`label\``],
  ],
  ['a polluting field', JSON.parse(`{"agent_id":"${ID}","__proto__":{"label":"x"}}`), [422, expect.stringContaining('__proto__: unknown field')]],
  ['a list', [ID], [422, `${UNPROCESSABLE}body: invalid type: list, expected an object`]],
  ['null', null, [422, `${UNPROCESSABLE}body: invalid type: null, expected an object`]],
  ['a wrong type beside a bad format', { agent_id: 'zz', label: 7 }, [422, expect.stringContaining('label')]],
  ['a bad digit', { agent_id: 'abcz' }, refused("invalid hex: agent_id has 'z' at index 3")],
  ['an odd digit', { agent_id: 'abc' }, refused('invalid hex: agent_id has an odd number of digits (3)')],
  ['too few bytes', { agent_id: 'abcdef' }, refused('expected 32 bytes (64 hex chars), got 3 (agent_id)')],
  ['the first of two bad formats', { agent_id: 'z', trust_level: 'x' }, refused("invalid hex: agent_id has 'z' at index 0")],
  [
    'a word of no list',
    { agent_id: ID, trust_level: 'Friend' },
    refused('invalid trust level: Friend (valid values: blocked, unknown, known, trusted) in trust_level'),
  ],
])('%s is refused', (_, body, expected) => {
  expect(outcome(add, { body })).toEqual(expected);
});

test('unknown fields are ignored where they are not denied', () => {
  const body = JSON.parse('{"topic":"t","payload":"","ttl":600,"__proto__":{"x":1},"constructor":1}') as unknown;
  const input = outcome(registry['messaging.publish'], { body });
  expect(input).toEqual({ topic: 't', payload: '' });
  expect(Object.keys(input as object)).toEqual(['topic', 'payload']);
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('inherited names are no fields of a body', () => {
  const odd = capability({ ...registry['messaging.subscribe'], input: z.object({ constructor: z.string().optional() }) });
  expect(outcome(odd, { body: {} })).toEqual({});
});

test('a topic has 1 to 256 bytes', () => {
  const subscribe = registry['messaging.subscribe'];
  expect(outcome(subscribe, { body: { topic: '' } })).toEqual(refused('topic must not be empty'));
  expect(outcome(subscribe, { body: { topic: 'é'.repeat(128) } })).toEqual({ topic: 'é'.repeat(128) });
  expect(outcome(subscribe, { body: { topic: 'é'.repeat(129) } })).toEqual(refused('topic must not exceed 256 bytes, got 258'));
});

test('text that others would read as another one is refused', () => {
  const message = (field: string) => `${field} must be whole characters, without a byte order mark in front`;
  for (const text of ['\uFEFFtopic', 'half \uD83D', '\uDE00'])
    expect(outcome(registry['messaging.subscribe'], { body: { topic: text } })).toEqual(refused(message('topic')));
  expect(outcome(registry['messaging.subscribe'], { body: { topic: 'a\uFEFF\u{1F600}' } })).toEqual({ topic: 'a\uFEFF\u{1F600}' });
  expect(outcome(registry['contacts.revoke'], { params: { agent_id: ID }, body: { reason: '\uDC00' } })).toEqual(refused(message('reason')));
});

test('path fields are judged like body fields, after the body', () => {
  const update = registry['contacts.update'];
  expect(outcome(update, { params: { agent_id: 'zz' }, body: { wrong: 1 } })).toEqual([422, expect.stringContaining('wrong')]);
  expect(outcome(update, { params: { agent_id: 'zz' }, body: {} })).toEqual(refused("invalid hex: agent_id has 'z' at index 0"));
  expect(outcome(update, { params: { agent_id: ID }, body: {} })).toEqual({ agent_id: id });
});

test('a field of the path cannot be given in the body', () => {
  const revoke = registry['contacts.revoke'];
  expect(outcome(revoke, { params: { agent_id: ID }, body: { agent_id: 'cd'.repeat(32), reason: 'x' } })).toEqual({ agent_id: id, reason: 'x' });
  expect(sourceOf(revoke, 'agent_id')).toBe('path');
});

test.each([
  ['limit=5', { limit: 5 }],
  ['', { limit: 100 }],
  ['limit=five', [400, 'Failed to deserialize query string: limit: Invalid input: expected number, received string']],
  ['limit=0', [400, expect.stringContaining('query string: limit: Too small')]],
  ['limit=1001', [400, expect.stringContaining('query string: limit: Too big')]],
  ['limit=1.5', [400, expect.stringContaining('query string: limit')]],
  ['after=xyz', refused('invalid cursor in after: expected 16 lower-case hex digits')],
  ['unknown=1', { limit: 100 }],
])('inbox query %s', (query, expected) => {
  expect(outcome(registry['direct.inbox'], { query: new URLSearchParams(query) })).toEqual(expected);
});

test.each([
  ['true', { include_groups: true }],
  ['false', { include_groups: false }],
  ['1', [400, 'Failed to deserialize query string: include_groups: Invalid input: expected boolean, received string']],
  ['', [400, expect.stringContaining('include_groups')]],
])('a boolean query of "%s"', (text, expected) => {
  expect(outcome(registry['identity.card'], { query: new URLSearchParams({ include_groups: text }) })).toEqual(expected);
});

test('a body that is strict but optional is refused in JSON', () => {
  const announce = registry['identity.announce'];
  expect(outcome(announce, { body: {} })).toEqual({ include_user_identity: false, human_consent: false });
  expect(outcome(announce, { body: { human_consent: 'yes' } })).toEqual(
    refused('invalid JSON: human_consent: Invalid input: expected boolean, received string'),
  );
});

test('a tolerant body falls back to the defaults, its path does not', () => {
  const tolerant = capability({
    ...registry['messaging.subscribe'],
    path: '/files/:id',
    body: 'tolerant',
    input: z.object({ id: agentId(), reason: topic().default('none') }),
  });
  expect(outcome(tolerant, { params: { id: ID }, body: { reason: 7 } })).toEqual({ id, reason: 'none' });
  expect(outcome(tolerant, { params: { id: ID }, body: [] })).toEqual({ id, reason: 'none' });
  expect(outcome(tolerant, { params: { id: 'z' }, body: { reason: 7 } })).toMatchObject([400, { ok: false }]);
});

test('texts that belong to one capability', () => {
  expect(outcome(registry['identity.introduction'], { query: new URLSearchParams('peer=zz') })).toEqual([
    400,
    { error: 'invalid peer agent_id hex' },
  ]);
  expect(outcome(registry['identity.introduction'], { query: new URLSearchParams('peer=ab') })).toEqual([
    400,
    { error: 'peer agent_id must be 32 bytes' },
  ]);
  expect(outcome(registry['trust.evaluate'], { body: { agent_id: ID, machine_id: 'ab' } })).toEqual(refused('invalid machine_id hex'));
  expect(outcome(registry['contacts.addMachine'], { params: { agent_id: ID }, body: { machine_id: 'ab' } })).toEqual(
    refused('machine_id must be a 64-character hex string'),
  );
  expect(outcome(registry['messaging.publish'], { body: { topic: 't', payload: 'a$==' } })).toEqual(
    refused('invalid base64 in payload field: invalid symbol "$" at offset 1'),
  );
});

test('the payload of a direct message is left to its handler', () => {
  const body = { agent_id: ID, payload: '!!!' };
  expect(outcome(registry['direct.send'], { body })).toEqual({ agent_id: id, payload: '!!!' });
  expect(outcome(registry['direct.send'], { body: { ...body, require_ack_ms: -1 } })).toEqual([422, expect.stringContaining('require_ack_ms')]);
});
