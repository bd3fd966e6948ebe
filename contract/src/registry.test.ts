import { expect, test } from 'vitest';
import { badInputs } from './bad-input.ts';
import { readBody } from './body.ts';
import { type Capability, pathFields } from './capability.ts';
import { cliForm, cliOptions, cliUsage } from './cli-form.ts';
import { documentedErrors } from './errors.ts';
import { exampleInput, inputFields } from './inputs.ts';
import { parityMatrix, renderMatrix, SURFACES } from './matrix.ts';
import { openapi } from './openapi.ts';
import { parseInput, type RequestParts } from './parse.ts';
import { type AnyRegistry, families, registry } from './registry.ts';
import { buildRequest } from './request.ts';

const all: readonly Capability[] = Object.values(registry);

/** What a server makes of a request target. */
function partsOf(capability: Capability, target: string): RequestParts {
  const url = new URL(target, 'http://node');
  const values = url.pathname.split('/').map(decodeURIComponent);
  const params = Object.fromEntries(capability.path.split('/').flatMap((name, i) => (name.startsWith(':') ? [[name.slice(1), values[i]!]] : [])));
  return { params, query: url.searchParams };
}

test.each(all.map((capability) => [capability.name, capability] as const))('%s is declared soundly', (name, capability) => {
  const [family, verb] = name.split('.') as [keyof typeof families, string];
  expect((families[family] as Record<string, Capability>)[verb]).toBe(capability);
  expect(capability.family).toBe(family);
  const fields = Object.keys(capability.input.shape);
  expect(fields).toEqual(expect.arrayContaining(pathFields(capability.path)));
  if (capability.body === 'none') expect(inputFields(capability).filter((field) => field.source === 'body')).toEqual([]);
  if (capability.shape === 'stream' || capability.shape === 'socket') expect(Object.keys(capability.events)).not.toEqual([]);
  expect(capability.frames !== undefined).toBe(capability.shape === 'socket');
  expect(capability.shape === 'empty').toBe(capability.status.includes(204));
});

test.each(all.map((capability) => [capability.name, capability] as const))('the command of %s covers its input', (_, capability) => {
  const form = cliForm(capability);
  if (!form) return expect(capability.surfaces.cli).toHaveProperty('absent');
  const flags = cliOptions(capability).map((option) => option.flag);
  expect(new Set(flags).size).toBe(flags.length);
  const positional = (form.arguments ?? []).map((argument) => argument.field);
  expect(Object.keys(capability.input.shape)).toEqual(
    expect.arrayContaining([...positional, ...Object.keys(form.options ?? {}), ...Object.keys(form.defaults ?? {})]),
  );
  for (const target of [form.json, form.follow]) if (target !== undefined) expect(registry).toHaveProperty([target]);
  if (form.follow !== undefined) expect((registry as AnyRegistry)[form.follow]?.shape).toBe('stream');
});

test('names, routes and commands are unique', () => {
  const routes = all.flatMap((capability) =>
    [capability.path, ...(capability.aliases ?? [])].map((path) => `${capability.method} ${path.replaceAll(/:\w+/gu, ':')}`),
  );
  const commands = all.flatMap((capability) => [cliForm(capability)?.command ?? [], cliForm(capability)?.aliases ?? []].flat());
  expect(new Set(routes).size).toBe(routes.length);
  expect(new Set(commands).size).toBe(commands.length);
});

test('usage lines read as the compatible commands do', () => {
  expect(cliUsage(registry['contacts.add'])).toBe('contacts add AGENT_ID [--trust TRUST_LEVEL] [--label LABEL]');
  expect(cliUsage(registry['contacts.revoke'])).toBe('contacts revoke AGENT_ID [--reason REASON]');
  expect(cliUsage(registry['contacts.addMachine'])).toBe('machines add AGENT_ID MACHINE_ID [--label LABEL] [--pin]');
  expect(cliUsage(registry['identity.card'])).toBe('agent card [NAME] [--include-groups]');
  expect(cliUsage(registry['direct.send'])).toBe('direct send AGENT_ID TEXT [--require-ack-ms REQUIRE_ACK_MS] [--logical-id LOGICAL_ID]');
  expect(cliUsage(registry['messaging.events'])).toBe('events');
  expect(cliUsage(registry['websocket.connect'])).toBe('');
});

test.each(all.map((capability) => [capability.name, capability] as const))('the example of %s survives the wire', (_, capability) => {
  const full = Object.fromEntries(inputFields(capability).map((field) => [field.name, field.example]));
  for (const input of [exampleInput(capability), full]) {
    const request = buildRequest(capability, input);
    const body = readBody(capability.body, 'application/json', new TextEncoder().encode(request.body ? JSON.stringify(request.body) : ''));
    expect(body.ok).toBe(true);
    const parsed = parseInput(capability, { ...partsOf(capability, request.target), body: body.ok ? body.value : undefined });
    expect(parsed).toMatchObject({ ok: true, input });
  }
});

// --- bad input ---------------------------------------------------------------------------------------------------------

const bad = all.flatMap((capability) => badInputs(capability).map((example) => [example.capability, example.title, capability, example] as const));
/** Refused by the handler, not by the schema. */
const LATE = new Set(['direct.send payload']);

test.each(bad)('%s: %s is judged as announced', (name, title, capability, example) => {
  const { request, expect: wanted } = example;
  const body = readBody(capability.body, request.headers['content-type'], new TextEncoder().encode(request.body ?? ''));
  const judged = body.ok ? parseInput(capability, { ...partsOf(capability, request.target), body: body.value }) : body;
  const late = wanted.outcome === 'refused' && LATE.has(`${name} ${title.split(':')[0]}`) && wanted.status === 400;
  if (wanted.outcome === 'accepted' || late) return expect(judged.ok).toBe(true);
  expect(judged).toMatchObject({ ok: false, status: wanted.status });
  if (!judged.ok) expect(judged.text ?? JSON.stringify(judged.json)).toContain(wanted.mentions);
  const documented = documentedErrors(capability).map((error) => error.status);
  expect(documented).toContain(wanted.status);
});

test('bad input is the same each time, and told apart by its title', () => {
  for (const capability of all) {
    expect(badInputs(capability)).toEqual(badInputs(capability));
    const titles = badInputs(capability).map((example) => example.title);
    expect(new Set(titles).size).toBe(titles.length);
  }
  expect(bad.length).toBeGreaterThan(250);
});

test('bad input starts from the given fields, and says on the command line what can be said there', () => {
  const known = 'c3'.repeat(32);
  const examples = badInputs(registry['contacts.add'], { agent_id: known });
  const byTitle = (title: string) => examples.find((example) => example.title === title);
  expect(byTitle('trust_level: not in the list')).toMatchObject({
    request: { method: 'POST', target: '/contacts', body: JSON.stringify({ agent_id: known, trust_level: 'friendly' }) },
    expect: { outcome: 'refused', status: 400, mentions: 'trust_level' },
    cli: ['contacts', 'add', known, '--trust=friendly'],
  });
  expect(byTitle('agent_id missing')?.cli).toEqual(['contacts', 'add']);
  expect(byTitle('agent_id is 7')?.cli).toBeUndefined();
  const publish = badInputs(registry['messaging.publish']);
  expect(publish.find((example) => example.title === 'topic missing')?.cli).toBeUndefined();
  expect(publish.find((example) => example.title === 'topic: empty')?.cli).toEqual(['publish', '', 'hello']);
  expect(publish.find((example) => example.title === 'payload: not base64')?.cli).toBeUndefined();
  const inbox = badInputs(registry['direct.inbox']).map((example) => example.cli);
  expect(inbox).toContainEqual(['direct', 'inbox', '--limit=0']);
  expect(badInputs(registry['contacts.revoke']).find((example) => example.title === 'reason missing')?.cli).toBeUndefined();
});

// --- OpenAPI -----------------------------------------------------------------------------------------------------------

interface Operation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: object;
  responses: Record<string, { description: string; content?: object }>;
  security: object[];
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: object; securitySchemes: object };
  tags: { name: string }[];
}

const document = openapi(registry, { version: '1.2.3' }) as unknown as Document & { openapi: string; info: { version: string } };
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

test('the description covers every capability and alias, once', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(document.info.version).toBe('1.2.3');
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !id.includes('.alias')).toSorted()).toEqual(Object.keys(registry).toSorted());
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/charter', '/charter/json', '/contacts/{agent_id}/machines/{machine_id}/pin']),
  );
});

test.each(operations.map((entry) => [entry.operation.operationId, entry] as const))('the description of %s is sound', (_, { path, operation }) => {
  const declared = operation.parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name);
  expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/gu)].map((match) => match[1]));
  expect(operation.parameters.every((parameter) => parameter.in !== 'path' || parameter.required)).toBe(true);
  const statuses = Object.keys(operation.responses);
  expect(statuses.filter((status) => status < '400')).not.toEqual([]);
  expect(statuses.includes('401')).toBe(operation.security.length > 0);
  for (const response of Object.values(operation.responses)) expect(response.description).not.toBe('');
  for (const scheme of operation.security.flatMap(Object.keys)) expect(document.components.securitySchemes).toHaveProperty(scheme);
});

test('every reference of the description leads somewhere', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/gu)].map((match) => match[1]!.split('/'));
  expect(refs.length).toBeGreaterThan(0);
  for (const ref of refs) expect(document).toHaveProperty(ref);
});

test('the description says what the schemas say', () => {
  const add = document.paths['/contacts']!['post']!;
  expect(add.requestBody).toMatchObject({
    required: true,
    content: {
      'application/json': { schema: { required: ['agent_id'], additionalProperties: false, properties: { trust_level: { default: 'known' } } } },
    },
  });
  expect(add.responses['201']).toMatchObject({ content: { 'application/json': { schema: { required: ['ok', 'agent_id'] } } } });
  expect(Object.keys(add.responses)).toEqual(['201', '400', '401', '403', '413', '415', '422', '503']);
  expect(document.paths['/health']!['get']!.security).toEqual([]);
  expect(document.paths['/events']!['get']).toMatchObject({
    security: [{ bearer: [] }, { query: [] }],
    responses: { 200: { content: { 'text/event-stream': { 'x-events': { message: { required: ['type', 'data'] } } } } } },
  });
  expect(document.paths['/ws']!['get']!.responses['101']).toHaveProperty(['x-frames', 'client', 'subscribe']);
  expect(document.paths['/direct/inbox']!['get']!.parameters).toMatchObject([
    { name: 'after', in: 'query', required: false },
    { name: 'limit', in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } },
  ]);
  expect(JSON.stringify(openapi(registry, { version: '1.2.3' }))).toBe(JSON.stringify(document));
});

// --- parity ------------------------------------------------------------------------------------------------------------

test('every capability is on every surface, or says why not', () => {
  const rows = parityMatrix(registry);
  expect(rows.map((row) => row.capability)).toEqual(Object.keys(registry));
  for (const row of rows) {
    for (const surface of SURFACES) expect(Object.values(row.cells[surface])[0]).toMatch(/\S/u);
  }
  const table = renderMatrix(rows);
  expect(table).toContain('| direct.send | `POST /direct/send` | `direct send AGENT_ID TEXT');
  expect(table).toContain('`{"type":"send_direct",…}`');
  expect(table).toMatch(/\n1\. \S/u);
});
