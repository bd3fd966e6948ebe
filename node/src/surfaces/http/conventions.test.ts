import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Question } from './fixture.port-test.ts';
import { ask, Demo, ID, talk, TOKEN, wire } from './fixture.port-test.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const UNAUTHORIZED = '{"error":"missing or invalid Authorization: Bearer token"}';
const MEGABYTE = 1_048_576;

/** Claim, method and path, what is sent, then status, body and headers of the answer. */
type Row = [
  claim: string,
  line: string,
  question: Question,
  status: number,
  body: string | RegExp,
  headers?: Record<string, string | RegExp | undefined>,
];

const post = (body: string, more: Question = {}): Question => ({ body, headers: JSON_TYPE, ...more });
const from = (origin: string): Question => ({ headers: { origin } });
const jsonOf = (bytes: number, letter = 'x'): string => `{"name":"${letter.repeat(bytes - 11)}"}`;

const envelope: Row[] = [
  [
    'an object is flat, compact, with ok',
    'GET /health',
    {},
    200,
    '{"ok":true,"status":"healthy"}',
    { 'content-type': 'application/json', 'content-length': '30' },
  ],
  ['a bare answer has no ok', 'GET /card', {}, 200, '{"name":"demo"}'],
  ['text has its content type', 'GET /charter', { token: false }, 200, '# Charter\n', { 'content-type': 'text/markdown; charset=utf-8' }],
  ['an empty answer is 204 without a length', `DELETE /notes/${ID}`, {}, 204, '', { 'content-length': undefined, 'content-type': undefined }],
  ['the usual success status', 'POST /notes', post('{"name":"first"}'), 201, '{"ok":true,"name":"first"}'],
  ['another success status', 'POST /notes', post('{"name":"first"}'), 200, '{"ok":true,"name":"first"}'],
  [
    'a refusal has ok:false and its extra fields',
    'GET /quiet?fail=true',
    {},
    503,
    '{"ok":false,"error":"network not initialized"}',
    { 'content-type': 'application/json' },
  ],
  ['a bare refusal has no ok', 'GET /card?peer=x', {}, 403, '{"error":"blocked","peer":"x"}'],
];

const authorization: Row[] = [
  ['no token', 'GET /card', { token: false }, 401, UNAUTHORIZED, { 'content-type': 'application/json' }],
  ['a wrong token', 'GET /card', { token: 'wrong' }, 401, UNAUTHORIZED],
  ['the token with something behind it', 'GET /card', { token: `${TOKEN}0` }, 401, UNAUTHORIZED],
  ['an empty token', 'GET /card', { headers: { authorization: 'Bearer ' }, token: false }, 401, UNAUTHORIZED],
  ['another scheme', 'GET /card', { headers: { authorization: `Basic ${TOKEN}` } }, 401, UNAUTHORIZED],
  ['the scheme in any case', 'GET /card', { headers: { authorization: `bEARER ${TOKEN}` } }, 200, /demo/],
  ['an unknown path without a token tells nothing', 'GET /nowhere', { token: false }, 401, UNAUTHORIZED],
  ['a wrong method without a token tells nothing', 'PATCH /card', { token: false }, 401, UNAUTHORIZED],
  ['an undecodable path without a token tells nothing', 'GET /notes/%zz', { token: false }, 401, UNAUTHORIZED],
  ['an open path needs none', 'GET /health', { token: false }, 200, /healthy/],
  ['an alias of an open path needs none', 'GET /constitution', { token: false }, 200, /Charter/],
  ['a wrong token does not close an open path', 'GET /health', { token: 'wrong' }, 200, /healthy/],
  ['an open path does not open its other methods', 'DELETE /health', { token: false }, 401, UNAUTHORIZED],
  ['a method nobody offers at an open path is 405', 'PATCH /health', { token: false }, 405, ''],
  ['below an open path nothing is open', 'GET /health/', { token: false }, 401, UNAUTHORIZED],
  ['?token= does not count where it is not declared', `GET /card?token=${TOKEN}`, { token: false }, 401, UNAUTHORIZED],
  ['?token= does not count on unknown paths', `GET /nowhere?token=${TOKEN}`, { token: false }, 401, UNAUTHORIZED],
  ['?token= counts on streams that declare it', `HEAD /ticks?token=${TOKEN}`, { token: false }, 200, ''],
  ['?token= does not count on streams that do not', `HEAD /quiet?token=${TOKEN}`, { token: false }, 401, ''],
  ['a wrong ?token=', 'GET /ticks?token=wrong', { token: false }, 401, UNAUTHORIZED],
  ['?token= is judged before the upgrade', 'GET /ws?token=wrong', { token: false }, 401, UNAUTHORIZED],
];

const routing: Row[] = [
  ['an unknown path is an empty 404', 'GET /nowhere', {}, 404, '', { 'content-length': '0', 'content-type': undefined }],
  ['a trailing slash is another path', 'GET /card/', {}, 404, ''],
  ['a doubled slash is another path', 'GET //card', {}, 404, ''],
  ['paths are case-sensitive', 'GET /Card', {}, 404, ''],
  ['a parameter is not empty', 'GET /notes/', {}, 404, ''],
  ['a wrong method is an empty 405 with Allow', 'POST /card', post('{}'), 405, '', { allow: 'GET,HEAD', 'content-length': '0' }],
  ['Allow lists every method', `POST /notes/${ID}`, {}, 405, '', { allow: 'GET,HEAD,PUT,DELETE' }],
  ['HEAD where there is no GET', 'HEAD /notes', {}, 405, '', { allow: 'POST' }],
  [
    'HEAD has the headers of GET and no body',
    'HEAD /health',
    { token: false },
    200,
    '',
    { 'content-length': '30', 'content-type': 'application/json' },
  ],
  ['HEAD on a stream opens none', 'HEAD /quiet', {}, 200, '', { 'content-type': 'text/event-stream' }],
  ['a parameter is percent-decoded once', 'POST /notes/a%2Fb%2525%20c/pin', {}, 200, '{"ok":true,"id":"a/b%25 c"}'],
  ['a parameter may hold any characters', 'POST /notes/%C3%A4;=@:+/pin', {}, 200, '{"ok":true,"id":"ä;=@:+"}'],
  ['a broken percent-encoding', 'GET /notes/%zz', {}, 400, /^Invalid URL/, { 'content-type': 'text/plain; charset=utf-8' }],
  ['percent-encoding that is not UTF-8', 'GET /notes/%ff', {}, 400, /^Invalid URL/],
  ['ids in capitals come back in lower case', `GET /notes/${ID.toUpperCase()}`, {}, 200, `{"ok":true,"agent_id":"${ID}"}`],
  ['an id that is not hexadecimal', `GET /notes/${'a'.repeat(63)}z`, {}, 400, /^{"ok":false,"error":"invalid hex: agent_id/],
  ['an id of 150 characters', `GET /notes/${'a'.repeat(150)}`, {}, 400, /expected 32 bytes \(64 hex chars\), got 75/],
  ['an id of 10,000 characters', `GET /notes/${'a'.repeat(10_000)}`, {}, 400, /got 5000/],
  ['a target above 16 KiB', `GET /notes/${'a'.repeat(16_400)}`, {}, 414, ''],
  ['a head above 32 KiB', 'GET /health', { headers: { 'x-long': 'a'.repeat(33_000) } }, 431, ''],
  ['a query parameter of a wrong type', `GET /notes/${ID}?unfiltered=10`, {}, 400, /unfiltered/, { 'content-type': 'text/plain; charset=utf-8' }],
  ['an unknown query parameter is ignored', `GET /notes/${ID}?other=1`, {}, 200, /ok/],
  ['a socket without upgrade headers', 'GET /ws', {}, 400, /^Expected a WebSocket upgrade/],
  ['a socket by HEAD', 'HEAD /ws', {}, 405, '', { allow: 'GET' }],
  ['an offer to upgrade what is no socket is ignored', 'GET /health', { headers: { connection: 'Upgrade', upgrade: 'h2c' } }, 200, /healthy/],
];

const bodies: Row[] = [
  [
    'no body where one is required',
    'POST /notes',
    { headers: JSON_TYPE },
    400,
    /^Failed to parse the request body as JSON:/,
    { 'content-type': 'text/plain; charset=utf-8' },
  ],
  ['broken JSON', 'POST /notes', post('{"name":'), 400, /^Failed to parse the request body as JSON:/],
  [
    'a missing field',
    'POST /notes',
    post('{}'),
    422,
    /^Failed to deserialize the JSON body into the target type: .*name/,
    { 'content-type': 'text/plain; charset=utf-8' },
  ],
  ['a field of a wrong type', 'POST /notes', post('{"name":7}'), 422, /name/],
  ['a list instead of an object', 'POST /notes', post('[]'), 422, /^Failed to deserialize/],
  ['a bad format', 'POST /notes', post('{"name":"x","payload":"!"}'), 400, /^{"ok":false,"error":"invalid base64 in payload field/],
  ['an unknown field is ignored', 'POST /notes', post('{"name":"u","more":1}'), 201, /u/],
  ['an unknown field is refused where it is declared so', 'PUT /notes/n', post('{"size":1,"more":1}'), 422, /more/],
  ['bytes behind the JSON value are ignored', 'POST /notes', post('{"name":"brace"}}'), 201, /brace/],
  [
    'no content type',
    'POST /notes',
    { body: '{"name":"x"}' },
    415,
    /^Expected request with `Content-Type: application\/json`/,
    { 'content-type': 'text/plain; charset=utf-8' },
  ],
  ['another content type', 'POST /notes', post('{"name":"x"}', { headers: { 'content-type': 'text/plain' } }), 415, /^Expected request/],
  [
    'a content type with parameters',
    'POST /notes',
    post('{"name":"p"}', { headers: { 'content-type': 'application/json; charset=utf-8' } }),
    201,
    /p/,
  ],
  ['application/*+json', 'POST /notes', post('{"name":"plus"}', { headers: { 'content-type': 'application/problem+json' } }), 201, /plus/],
  ['a content type in capitals', 'POST /notes', post('{"name":"caps"}', { headers: { 'content-type': 'Application/JSON' } }), 201, /caps/],
  ['a body of exactly 1 MiB', 'POST /notes', post(jsonOf(MEGABYTE)), 201, /xxx/],
  [
    'a body over 1 MiB',
    'POST /notes',
    post(jsonOf(MEGABYTE + 1)),
    413,
    /length limit exceeded/,
    { 'content-type': 'text/plain; charset=utf-8', connection: 'close' },
  ],
  ['a chunked body of exactly 1 MiB', 'POST /notes', post(jsonOf(MEGABYTE, 'y'), { chunked: true }), 201, /yyy/],
  ['a chunked body over 1 MiB', 'POST /notes', post(jsonOf(MEGABYTE + 1), { chunked: true }), 413, /length limit exceeded/],
  ['8 MiB', 'POST /notes', post(jsonOf(8 * MEGABYTE)), 413, /length limit exceeded/],
  ['8 MiB chunked', 'POST /notes', post(jsonOf(8 * MEGABYTE), { chunked: true }), 413, /length limit exceeded/],
  ['8 MiB without a token is still a readable 401', 'POST /notes', post(jsonOf(8 * MEGABYTE), { token: false }), 401, UNAUTHORIZED],
  ['an optional body may be empty', 'POST /announce', {}, 200, '{"ok":true,"loud":false}'],
  ['an optional body may be JSON', 'POST /announce', post('{"loud":true}'), 200, '{"ok":true,"loud":true}'],
  [
    'an optional body of another type',
    'POST /announce',
    post('{"loud":true}', { headers: {} }),
    415,
    '{"ok":false,"error":"Content-Type must be application/json"}',
  ],
  ['an optional body is strict', 'POST /announce', post('{"loud":true}}'), 400, /^{"ok":false,"error":"invalid JSON: /],
  ['an optional body over 1 MiB', 'POST /announce', post(jsonOf(MEGABYTE + 1)), 413, /length limit/],
  ['a tolerant body may be missing', 'POST /reject/7', {}, 200, '{"ok":true,"id":"7","reason":"none"}'],
  ['a tolerant body may be JSON', 'POST /reject/7', post('{"reason":"full"}'), 200, /full/],
  ['a tolerant body may be garbage', 'POST /reject/7', post('{{{'), 200, /none/],
  ['a tolerant body may be of a wrong type', 'POST /reject/7', post('{"reason":1}'), 200, /none/],
  ['a tolerant body may be too long', 'POST /reject/7', post(jsonOf(2 * MEGABYTE)), 200, /none/],
  ['a body that nobody reads is ignored', 'POST /notes/7/pin', post('{{{'), 200, '{"ok":true,"id":"7"}'],
  ['a long body that nobody reads is ignored', 'POST /notes/7/pin', post(jsonOf(4 * MEGABYTE)), 200, '{"ok":true,"id":"7"}'],
  ['DELETE with a JSON header and no body', `DELETE /notes/${ID}`, { headers: JSON_TYPE }, 204, ''],
];

const none = { 'access-control-allow-origin': undefined };
const origins: Row[] = [
  ...['http://127.0.0.1', 'http://127.0.0.1:8080', 'http://localhost:3000', 'http://[::1]:1'].map((origin): Row => [
    `a page from ${origin} may read`,
    'GET /card',
    from(origin),
    200,
    /demo/,
    { 'access-control-allow-origin': origin, vary: /origin/ },
  ]),
  ...[
    'http://127.0.0.1.evil.com',
    'http://localhost.evil.com',
    'http://[::1].evil.com',
    'https://127.0.0.1',
    'http://evil.com',
    'null',
    'http://127.0.0.1:80@evil.com',
  ].map((origin): Row => [`a page from ${origin} may not`, 'GET /card', from(origin), 200, /demo/, none]),
  [
    'a preflight needs no token',
    'OPTIONS /card',
    { token: false, headers: { origin: 'http://localhost:1', 'access-control-request-method': 'PATCH' } },
    200,
    '',
    { 'access-control-allow-origin': 'http://localhost:1', 'access-control-allow-methods': /PATCH/, 'access-control-allow-headers': /authorization/ },
  ],
  [
    'a preflight from elsewhere gets no leave',
    'OPTIONS /card',
    { token: false, headers: { origin: 'http://evil.com' } },
    200,
    '',
    { ...none, 'access-control-allow-methods': undefined },
  ],
  ['OPTIONS tells nothing about paths', 'OPTIONS /nowhere', { token: false }, 200, ''],
  ['a 401 has no CORS headers', 'GET /card', { ...from('http://localhost'), token: false }, 401, UNAUTHORIZED, none],
  ['a 404 has them', 'GET /nowhere', from('http://localhost'), 404, '', { 'access-control-allow-origin': 'http://localhost' }],
  ['a 405 has them', 'PUT /card', from('http://localhost'), 405, '', { 'access-control-allow-origin': 'http://localhost' }],
  ['a refusal has them', 'GET /quiet?fail=true', from('http://localhost'), 503, /network/, { 'access-control-allow-origin': 'http://localhost' }],
  ...['localhost', 'localhost:1', 'LOCALHOST', '127.0.0.1', '127.0.0.1:12700', '127.9.9.9', '[::1]', '[::1]:12700'].map((host): Row => [
    `Host: ${host} is this machine`,
    'GET /health',
    { headers: { host } },
    200,
    /healthy/,
  ]),
  ...['evil.com', '127.0.0.1.evil.com', 'localhost.evil.com', '10.0.0.7', '[::2]', 'localhost:x', 'a@localhost'].map((host): Row => [
    `Host: ${host} is not`,
    'GET /health',
    { headers: { host } },
    403,
    /^{"ok":false,"error":"forbidden/,
    none,
  ]),
  ['a rebound name gets no preflight either', 'OPTIONS /card', { headers: { host: 'evil.com', origin: 'http://localhost' } }, 403, /forbidden/, none],
];

describe('the conventions of the compatible API', () => {
  let demo: Demo;
  beforeAll(async () => {
    demo = await Demo.start();
  });
  afterAll(async () => {
    await demo[Symbol.asyncDispose]();
    expect(demo.failures).toEqual([]);
  });

  describe.each([
    ['envelope', envelope],
    ['authorization', authorization],
    ['routing', routing],
    ['bodies', bodies],
    ['origins and hosts', origins],
  ])('%s', (_title, rows) => {
    it.each(rows)('%s', async (_claim, line, question, status, body, headers = {}) => {
      const [method, path] = line.split(' ') as [string, string];
      const reaction = await ask(demo, method, path, question);
      expect(reaction.status).toBe(status);
      if (typeof body === 'string') expect(reaction.text).toBe(body);
      else expect(reaction.text).toMatch(body);
      const given = Object.keys(headers).map((name) => [name, reaction.headers[name]]);
      const wanted = Object.entries(headers).map(([name, value]) => [name, value instanceof RegExp ? expect.stringMatching(value) : value]);
      expect(given).toEqual(wanted);
    });
  });

  it('a target may be in absolute form, and its host counts', async () => {
    const good = talk(demo, wire('GET http://localhost:1/card'));
    await good.until(/^HTTP\/1.1 200[^]*"demo"/);
    const bad = talk(demo, wire('GET http://evil.com/card'));
    await bad.until(/^HTTP\/1.1 403/);
    good.socket.destroy();
    bad.socket.destroy();
  });

  it('an empty Host is refused', async () => {
    const nameless = talk(demo, 'GET /health HTTP/1.1\r\nHost:\r\n\r\n');
    await nameless.until(/^HTTP\/1.1 403/);
    nameless.socket.destroy();
  });

  it('HTTP/1.0 without a Host is served', async () => {
    const old = talk(demo, 'GET /health HTTP/1.0\r\n\r\n');
    await old.until(/^HTTP\/1.1 200[^]*healthy/);
    await old.closed;
  });

  it('a body is asked for with 100 Continue when it is wanted', async () => {
    const body = '{"name":"continued"}';
    const wanted = talk(demo, wire('POST /notes', ['Expect: 100-continue', 'Content-Type: application/json', `Content-Length: ${body.length}`]));
    await wanted.until(/^HTTP\/1.1 100 Continue\r\n\r\n/);
    wanted.socket.write(body);
    await wanted.until(/HTTP\/1.1 201[^]*continued/);
    wanted.socket.destroy();
  });

  it.each([
    ['too long', ['Content-Type: application/json', `Content-Length: ${MEGABYTE + 1}`], 413],
    ['of a wrong type', ['Content-Type: text/plain', 'Content-Length: 5'], 415],
  ])('a body that is %s is not asked for', async (_title, headers, status) => {
    const unwanted = talk(demo, wire('POST /notes', ['Expect: 100-continue', ...headers]));
    await unwanted.until(new RegExp(`^HTTP/1.1 ${status} `));
    unwanted.socket.destroy();
  });
});
