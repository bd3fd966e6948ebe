/**
 * Requests that a node must refuse, and some that it must not, made from the schema and the body policy of a capability.
 * Every list is the same each time.
 */
import { z } from 'zod';
import { MAX_BODY_BYTES } from './body.ts';
import type { Capability } from './capability.ts';
import { cliForm, cliOptions } from './cli-form.ts';
import { coreSchema } from './fields.ts';
import { exampleInput, type InputField, inputFields } from './inputs.ts';
import { buildRequest } from './request.ts';

export interface BadInput {
  readonly capability: string;
  readonly title: string;
  /** without the token */
  readonly request: {
    readonly method: string;
    readonly target: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
  };
  /** `refused`: with this status, and an answer that contains `mentions`. `accepted`: with none of 400, 413, 415, 422. */
  readonly expect: { readonly outcome: 'refused'; readonly status: number; readonly mentions: string } | { readonly outcome: 'accepted' };
  /** what the request says, where it is an input in a well-formed body or none */
  readonly input?: Readonly<Record<string, unknown>>;
  /** arguments after `muster` that say the same; absent where a command line cannot */
  readonly cli?: readonly string[];
}

type Input = Readonly<Record<string, unknown>>;
type Expectation = BadInput['expect'];

const JSON_TYPE = 'application/json';
const FOREIGN_FIELD = 'not_a_field';
const accepted: Expectation = { outcome: 'accepted' };
const refused = (status: number, mentions: string): Expectation => ({ outcome: 'refused', status, mentions });

/** `base` replaces fields of the well-formed input that each case departs from, for targets where the examples do not exist. */
export function badInputs(capability: Capability, base: Input = {}): readonly BadInput[] {
  const input = { ...exampleInput(capability), ...base };
  const fields = inputFields(capability);
  return [
    ...fields.flatMap((field) => [
      ...missing(capability, field, input),
      ...wrongTypes(capability, field, input),
      ...badFormats(capability, field, input),
    ]),
    ...foreignField(capability, input),
    ...badBodies(capability, input),
  ];
}

function contentTypeHeader(contentType: string): Record<string, string> {
  return contentType === '' ? {} : { 'content-type': contentType };
}

function fromInput(capability: Capability, title: string, input: Input, expect: Expectation, cli?: readonly string[]): BadInput {
  const { method, target, body } = buildRequest(capability, input);
  return {
    capability: capability.name,
    title,
    request: { method, target, headers: contentTypeHeader(body ? JSON_TYPE : ''), ...(body && { body: JSON.stringify(body) }) },
    expect,
    input,
    ...(cli && { cli }),
  };
}

/** Structural mistakes: 422 in a body, 400 where the body is optional or for a query. */
function structuralStatus(capability: Capability, field: InputField): number {
  return field.source === 'body' && capability.body !== 'strict-optional' ? 422 : 400;
}

function missing(capability: Capability, field: InputField, input: Input): BadInput[] {
  if (!field.required || field.source === 'path') return [];
  const without = { ...input, [field.name]: undefined };
  return [
    fromInput(
      capability,
      `${field.name} missing`,
      without,
      refused(structuralStatus(capability, field), field.name),
      commandLine(capability, without, field.name),
    ),
  ];
}

/** Values of other JSON types; in a query everything is text, so only booleans and numbers can be wrong there. */
function wrongValues(field: InputField): readonly unknown[] {
  const text = field.type === 'number' ? 'seven' : 'maybe';
  if (field.source === 'query') return field.type === 'text' ? [] : [text, ...outOfRange(field)];
  const others = field.type === 'text' ? [7, true] : [text, ...outOfRange(field)];
  return [...others, [], {}, ...(field.nullable ? [] : [null])];
}

function outOfRange(field: InputField): readonly number[] {
  const core = coreSchema(field.schema);
  if (!(core instanceof z.ZodNumber)) return [];
  const { minValue, maxValue } = core;
  return [1.5, ...(minValue === null ? [] : [minValue - 1]), ...(maxValue === null || maxValue >= Number.MAX_SAFE_INTEGER ? [] : [maxValue + 1])];
}

function wrongTypes(capability: Capability, field: InputField, input: Input): BadInput[] {
  if (field.source === 'path' || capability.body === 'tolerant') return [];
  return wrongValues(field).map((value) => {
    const wrong = { ...input, [field.name]: value };
    // On a command line a value is text: only what a number may not be can be said there.
    const cli = field.type === 'number' && (typeof value === 'number' || typeof value === 'string') ? commandLine(capability, wrong) : undefined;
    return fromInput(capability, `${field.name} is ${JSON.stringify(value)}`, wrong, refused(structuralStatus(capability, field), field.name), cli);
  });
}

function badFormats(capability: Capability, field: InputField, input: Input): BadInput[] {
  return field.refused.map(({ title, value, status }) => {
    const wrong = { ...input, [field.name]: value };
    return fromInput(capability, `${field.name}: ${title}`, wrong, refused(status, field.name), commandLine(capability, wrong));
  });
}

function foreignField(capability: Capability, input: Input): BadInput[] {
  if (capability.body !== 'json-prefix') return [];
  const expect = capability.unknown === 'deny' ? refused(422, FOREIGN_FIELD) : accepted;
  return [fromInput(capability, 'an unknown field', { ...input, [FOREIGN_FIELD]: 1 }, expect)];
}

interface BodyCase {
  readonly title: string;
  readonly body: string;
  /** none when empty */
  readonly contentType: string;
  readonly expect: Expectation;
}

function badBodies(capability: Capability, input: Input): BadInput[] {
  const { method, target, body } = buildRequest(capability, input);
  return bodyCases(capability, JSON.stringify(body ?? {})).map(({ title, body: text, contentType, expect }) => ({
    capability: capability.name,
    title,
    request: { method, target, headers: contentTypeHeader(contentType), body: text },
    expect,
  }));
}

function bodyCases(capability: Capability, good: string): readonly BodyCase[] {
  const oversized = `"${'x'.repeat(MAX_BODY_BYTES - 1)}"`;
  const row = (title: string, body: string, expect: Expectation, contentType = JSON_TYPE): BodyCase => ({
    title,
    body,
    contentType,
    expect,
  });
  switch (capability.body) {
    case 'none':
      return [];
    case 'tolerant':
      return [row('garbage', 'nonsense', accepted), row('another content type', good, accepted, 'text/plain')];
    case 'strict-optional':
      return [
        row('an empty body', '', accepted),
        row('garbage', 'nonsense', refused(400, 'invalid JSON')),
        row('bytes after the body', `${good}}`, refused(400, 'invalid JSON')),
        row('a list', '[]', refused(400, 'invalid JSON')),
        row('another content type', good, refused(415, 'application/json'), 'text/plain'),
        row('1 MiB and one byte', oversized, refused(413, 'length limit')),
      ];
    case 'json-prefix':
      return [
        row('an empty body', '', refused(400, 'JSON')),
        row('garbage', 'nonsense', refused(400, 'JSON')),
        row('half a body', good.slice(0, -1), refused(400, 'JSON')),
        row('a list', '[]', refused(422, 'body')),
        row('another content type', good, refused(415, 'application/json'), 'text/plain'),
        row('no content type', good, refused(415, 'application/json'), ''),
        row('1 MiB and one byte', oversized, refused(413, 'length limit')),
        row('bytes after the body', `${good}}`, accepted),
        row('a JSON content type with parameters', good, accepted, 'application/problem+json; charset=utf-8'),
      ];
  }
}

/** `omitted` is left out although the command requires it. */
function commandLine(capability: Capability, input: Input, omitted?: string): readonly string[] | undefined {
  const form = cliForm(capability);
  if (!form) return undefined;
  const args = form.arguments ?? [];
  const words: string[] = [];
  for (const [index, argument] of args.entries()) {
    const value = input[argument.field];
    // Without a positional argument the next one would take its place.
    if (argument.field === omitted && index < args.length - 1) return undefined;
    if (value === undefined) continue;
    const word = argument.as === 'text' ? typedText(input, argument.field, capability) : String(value);
    // What starts with a dash is an option; what the command encodes itself cannot be badly encoded.
    if (word === undefined || word.startsWith('-')) return undefined;
    words.push(word);
  }
  const options = cliOptions(capability);
  // A command that fills in a default of its own never omits the field.
  if (omitted !== undefined && options.some(({ field, required }) => field.name === omitted && !required)) return undefined;
  for (const { flag, field } of options) {
    const value = input[field.name];
    if (field.type === 'boolean') words.push(...(value === true ? [`--${flag}`] : []));
    else if (value !== undefined) words.push(`--${flag}=${String(value)}`);
  }
  return [...form.command.split(' '), ...words];
}

function typedText(input: Input, name: string, capability: Capability): string | undefined {
  const field = inputFields(capability).find((candidate) => candidate.name === name);
  return input[name] === field?.example ? 'hello' : undefined;
}
