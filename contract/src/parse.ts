/** From the parts of a request to the input of a capability, or the refusal that is documented for it. */
import type { z } from 'zod';
import type { Capability, ParsedOf } from './capability.ts';
import { fromText, type InputField, inputFields } from './inputs.ts';
import { type Refusal, refusalBody, refuseJson, refuseText } from './refusal.ts';

export interface RequestParts {
  /** path parameters, percent-decoded */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: URLSearchParams;
  /** what `readBody` gave */
  readonly body?: unknown;
}

export type Parsed<C extends Capability> = { readonly ok: true; readonly input: ParsedOf<C> } | Refusal;

/**
 * Structural mistakes come first: 422 plain text for a body (400 JSON under `strict-optional`), 400 plain text for a query.
 * Then formats, in the order of declaration, with the status and text that each field declares. Every text names the field.
 */
export function parseInput<C extends Capability>(capability: C, parts: RequestParts): Parsed<C> {
  const fields = inputFields(capability);
  const body = bodyObject(capability, fields, parts.body);
  if (body.ok === false) return body;
  const raw = Object.create(null) as Record<string, unknown>;
  for (const field of fields) {
    const value = readField(field, parts, body.value);
    if (value !== undefined) raw[field.name] = value;
  }
  const parsed = capability.input.safeParse(raw);
  if (parsed.success) return { ok: true, input: parsed.data as ParsedOf<C> };
  if (capability.body === 'tolerant' && body.value !== EMPTY) return parseInput(capability, { ...parts, body: EMPTY });
  return refuse(capability, fields, raw, parsed.error.issues);
}

const EMPTY: Readonly<Record<string, unknown>> = {};

function readField(field: InputField, parts: RequestParts, body: Readonly<Record<string, unknown>>): unknown {
  if (field.source === 'path') return parts.params?.[field.name];
  if (field.source === 'query') {
    const text = parts.query?.get(field.name) ?? undefined;
    return text === undefined ? undefined : fromText(field.type, text);
  }
  // Own keys only: what a caller calls `__proto__` or `constructor` is never looked up.
  const value = Object.hasOwn(body, field.name) ? body[field.name] : undefined;
  return value === null && field.nullable ? undefined : value;
}

function bodyObject(
  capability: Capability,
  fields: readonly InputField[],
  body: unknown,
): { ok: true; value: Readonly<Record<string, unknown>> } | Refusal {
  if (body === undefined || capability.body === 'none') return { ok: true, value: EMPTY };
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    if (capability.body === 'tolerant') return { ok: true, value: EMPTY };
    return structural(capability, 'body', `invalid type: ${typeName(body)}, expected an object`);
  }
  if (capability.unknown === 'deny') {
    const names = fields.filter((field) => field.source === 'body').map((field) => field.name);
    const foreign = Object.keys(body).find((key) => !names.includes(key));
    if (foreign !== undefined) {
      return structural(capability, foreign.slice(0, 64), `unknown field, expected one of ${names.map((name) => `\`${name}\``).join(', ')}`);
    }
  }
  return { ok: true, value: body as Readonly<Record<string, unknown>> };
}

type Issue = z.core.$ZodIssue;

function refuse(capability: Capability, fields: readonly InputField[], raw: Readonly<Record<string, unknown>>, issues: readonly Issue[]): Refusal {
  const declared = issues.find((issue) => formatOf(issue) === undefined) ?? issues[0]!;
  const path = declared.path.map(String).join('.');
  const format = formatOf(declared);
  if (format)
    return refuseFormat(
      capability,
      format.status,
      format.message.replaceAll('{field}', () => path),
    );
  const root = String(declared.path[0] ?? '');
  const reason = raw[root] === undefined ? `missing field \`${root}\`` : declared.message;
  if (fields.find((field) => field.name === root)?.source === 'body') return structural(capability, path, reason);
  return refuseText(400, `Failed to deserialize query string: ${path}: ${reason}`);
}

function refuseFormat(capability: Capability, status: number, message: string): Refusal {
  return { ok: false, status, json: refusalBody(capability, { message, extra: {} }) };
}

/** Status and text that a field declares for a bad format; `undefined` for structural issues. */
export function formatOf(issue: Issue): { status: number; message: string } | undefined {
  if (issue.code !== 'custom') return undefined;
  const status: unknown = issue.params?.['status'];
  return typeof status === 'number' ? { status, message: issue.message } : undefined;
}

function structural(capability: Capability, path: string, reason: string): Refusal {
  if (capability.body === 'strict-optional') return refuseJson(400, `invalid JSON: ${path}: ${reason}`);
  return refuseText(422, `Failed to deserialize the JSON body into the target type: ${path}: ${reason}`);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}
