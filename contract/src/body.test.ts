import { expect, test } from 'vitest';
import { BODY_TOO_LARGE, isJsonContentType, MAX_BODY_BYTES, readBody, refuseBeforeBody } from './body.ts';
import type { BodyPolicy } from './capability.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const JSON_TYPE = 'application/json';

test.each([
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  ['application/problem+json', true],
  ['application/vnd.a+b+json;x=y', true],
  ['text/json', false],
  ['application/jsonp', false],
  ['application/+json', false],
  ['text/plain', false],
  ['', false],
  [undefined, false],
])('content type %s: JSON is %s', (contentType, expected) => {
  expect(isJsonContentType(contentType)).toBe(expected);
});

const rows: [title: string, policy: BodyPolicy, contentType: string | undefined, body: string, outcome: unknown][] = [
  ['a value', 'json-prefix', JSON_TYPE, '{"a":1}', { a: 1 }],
  ['a brace too many', 'json-prefix', JSON_TYPE, '{"a":1}}', { a: 1 }],
  ['an empty body', 'json-prefix', JSON_TYPE, '', [400, 'Failed to parse the request body as JSON: EOF']],
  ['garbage', 'json-prefix', JSON_TYPE, 'nonsense', [400, 'Failed to parse the request body as JSON: unexpected byte']],
  ['another content type', 'json-prefix', 'text/plain', '{}', [415, 'Expected request with `Content-Type: application/json`']],
  ['no content type', 'json-prefix', undefined, '{}', [415, 'Expected request with `Content-Type: application/json`']],
  ['an empty body', 'strict-optional', undefined, '', {}],
  ['a value', 'strict-optional', JSON_TYPE, ' {"a":1}\n', { a: 1 }],
  ['a brace too many', 'strict-optional', JSON_TYPE, '{}}', [400, { ok: false, error: expect.stringMatching(/^invalid JSON: trailing/u) }]],
  ['another content type', 'strict-optional', 'text/plain', '{}', [415, { ok: false, error: 'Content-Type must be application/json' }]],
  ['garbage', 'tolerant', JSON_TYPE, 'nonsense', {}],
  ['another content type', 'tolerant', 'text/plain', '{"a":1}', {}],
  ['a value', 'tolerant', JSON_TYPE, '{"a":1}', { a: 1 }],
  ['garbage', 'none', 'text/plain', 'nonsense', {}],
];

test.each(rows)('%s under %s', (_, policy, contentType, body, outcome) => {
  const read = readBody(policy, contentType, bytes(body));
  if (!Array.isArray(outcome)) return expect(read).toEqual({ ok: true, value: outcome });
  const [status, answer] = outcome as [number, unknown];
  expect(read).toMatchObject({ ok: false, status });
  if (!read.ok) {
    if (typeof answer === 'string') expect(read.text).toContain(answer);
    else expect(read.json).toEqual(answer);
  }
});

test('a body may be exactly as long as the limit', () => {
  const full = bytes(`"${'x'.repeat(MAX_BODY_BYTES - 2)}"`);
  expect(readBody('json-prefix', JSON_TYPE, full)).toMatchObject({ ok: true });
  expect(readBody('json-prefix', JSON_TYPE, new Uint8Array([...full, 0x20]))).toBe(BODY_TOO_LARGE);
  expect(readBody('strict-optional', JSON_TYPE, new Uint8Array([...full, 0x20]))).toBe(BODY_TOO_LARGE);
  expect(readBody('tolerant', JSON_TYPE, new Uint8Array([...full, 0x20]))).toEqual({ ok: true, value: {} });
});

test('the content type alone refuses a body that need not be read', () => {
  expect(refuseBeforeBody('json-prefix', 'text/plain')).toMatchObject({ status: 415 });
  expect(refuseBeforeBody('strict-optional', 'text/plain')).toBeUndefined();
});
