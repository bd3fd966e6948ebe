/** The OpenAPI 3.1 description of a registry. The same registry gives the same document. */
import { z } from 'zod';
import { type Capability, pathFields } from './capability.ts';
import { type DocumentedError, documentedErrors } from './errors.ts';
import { type InputField, inputFields } from './inputs.ts';
import type { AnyRegistry } from './registry.ts';

type Json = Record<string, unknown>;

const STATUS_TEXT: Readonly<Record<number, string>> = {
  101: 'Switching to WebSocket',
  200: 'Done',
  201: 'Created',
  204: 'Done; no content',
};

/** Making these takes longer than all else that a call for them does. */
const described = new WeakMap<AnyRegistry, Record<string, Json>>();

export function openapi(registry: AnyRegistry, { version }: { readonly version: string }): Json {
  let paths = described.get(registry);
  if (!paths) described.set(registry, (paths = pathsOf(registry)));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Muster local API',
      version,
      description: 'Served to its own agent on a loopback address. This document needs the token like everything else.',
      license: { name: '(MIT OR Apache-2.0)', identifier: 'MIT OR Apache-2.0' },
    },
    tags: [...new Set(Object.values(registry).map((capability) => capability.family))].map((name) => ({ name })),
    paths,
    components: { securitySchemes, schemas: errorSchemas },
  };
}

function pathsOf(registry: AnyRegistry): Record<string, Json> {
  const paths: Record<string, Json> = {};
  for (const capability of Object.values(registry)) {
    for (const [index, path] of [capability.path, ...(capability.aliases ?? [])].entries()) {
      const id = index === 0 ? capability.name : `${capability.name}.alias${index}`;
      const item = (paths[templated(path)] ??= {});
      item[capability.method.toLowerCase()] = operation(capability, path, id);
    }
  }
  return paths;
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'the content of `api-token` in the data directory' },
  query: { type: 'apiKey', in: 'query', name: 'token', description: 'the same token, where headers cannot be set' },
};

const errorSchemas = {
  Refusal: {
    type: 'object',
    properties: { ok: { const: false }, error: { type: 'string' }, detail: { type: 'string' } },
    required: ['ok', 'error'],
  },
  BareRefusal: { type: 'object', properties: { error: { type: 'string' } }, required: ['error'] },
};

/** `/contacts/:agent_id` → `/contacts/{agent_id}` */
function templated(path: string): string {
  return path.replaceAll(/:(\w+)/gu, '{$1}');
}

function operation(capability: Capability, path: string, operationId: string): Json {
  const fields = inputFields(capability);
  const inPath = new Set(pathFields(path));
  const body = requestBody(capability, fields);
  return {
    operationId,
    summary: capability.summary,
    tags: [capability.family],
    parameters: fields.filter((field) => field.source === 'query' || inPath.has(field.name)).map(parameter),
    ...(body && { requestBody: body }),
    responses: { ...successes(capability), ...refusals(documentedErrors(capability)) },
    security: securityOf(capability),
  };
}

function securityOf(capability: Capability): Json[] {
  if (capability.auth === 'open') return [];
  return capability.auth === 'query' ? [{ bearer: [] }, { query: [] }] : [{ bearer: [] }];
}

/** Unknown fields of an answer are left open: later versions add some. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return rest;
}

function fieldSchema(field: InputField): Json {
  const { description: _, ...schema } = schemaOf(field.schema, 'input');
  return field.type === 'text' ? { ...schema, examples: [field.example] } : schema;
}

function parameter(field: InputField): Json {
  return {
    name: field.name,
    in: field.source,
    required: field.source === 'path' || field.required,
    schema: fieldSchema(field),
    ...(field.description !== '' && { description: field.description }),
  };
}

function requestBody(capability: Capability, fields: readonly InputField[]): Json | undefined {
  const inBody = fields.filter((field) => field.source === 'body');
  if (capability.body === 'none') return undefined;
  const properties = Object.fromEntries(
    inBody.map((field) => [field.name, { ...fieldSchema(field), ...(field.description !== '' && { description: field.description }) }]),
  );
  const schema = {
    type: 'object',
    properties,
    required: inBody.filter((field) => field.required).map((field) => field.name),
    ...(capability.unknown === 'deny' && { additionalProperties: false }),
  };
  return { required: capability.body === 'json-prefix', content: { 'application/json': { schema } } };
}

function successes(capability: Capability): Json {
  return Object.fromEntries(
    capability.status.map((status) => {
      const content = successContent(capability);
      return [String(status), { description: STATUS_TEXT[status], ...(content && { content }), ...socketFrames(capability) }];
    }),
  );
}

function successContent(capability: Capability): Json | undefined {
  switch (capability.shape) {
    case 'object': {
      const { properties, required, ...rest } = schemaOf(capability.output, 'output') as { properties?: Json; required?: string[] };
      const schema = { ...rest, properties: { ok: { const: true }, ...properties }, required: ['ok', ...(required ?? [])] };
      return { 'application/json': { schema } };
    }
    case 'bare':
      return { 'application/json': { schema: schemaOf(capability.output, 'output') } };
    case 'text':
      return { [capability.contentType ?? 'text/plain; charset=utf-8']: { schema: { type: 'string' } } };
    case 'stream':
      // OpenAPI 3.1 cannot describe the items of a stream, so the data of each event stands beside the text.
      return { 'text/event-stream': { schema: { type: 'string' }, 'x-events': schemasOf(capability.events, 'output') } };
    case 'empty':
    case 'socket':
      return undefined;
  }
}

function schemasOf(schemas: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): Json {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, schemaOf(schema, io)]));
}

function socketFrames(capability: Capability): Json {
  if (capability.shape !== 'socket') return {};
  return { 'x-frames': { server: schemasOf(capability.events, 'output'), client: schemasOf(capability.frames ?? {}, 'input') } };
}

const BODY_CONTENT: Readonly<Record<DocumentedError['body'], Json>> = {
  json: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
  bare: { 'application/json': { schema: { $ref: '#/components/schemas/BareRefusal' } } },
  text: { 'text/plain': { schema: { type: 'string' } } },
};

/** One response per status: its causes, and every form that its body has. */
function refusals(errors: readonly DocumentedError[]): Json {
  const responses: Record<string, { description: string; content: Json }> = {};
  for (const { status, error, when, body } of errors) {
    const response = (responses[String(status)] ??= { description: '', content: {} });
    const cause = error === '' || error === '{}' ? when : `\`${error.replaceAll('{}', '…')}\`: ${when}`;
    response.description = [response.description, cause].filter((text) => text !== '').join('; ');
    Object.assign(response.content, BODY_CONTENT[body]);
  }
  return responses;
}
