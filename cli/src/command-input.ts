/** From what was typed to the input of a capability, judged here as the node would judge it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { type Capability, type CliArgument, type CliForm, fromText, inputFields, parseInput, type Refusal, sourceOf } from '@muster/contract';
import { codeOf, Failure, messageOf } from './failure.ts';

export type Input = Readonly<Record<string, unknown>>;
/** as typed; `rest` arguments are lists */
export type Typed = string | boolean | readonly string[] | undefined;

/** Fields that a `file` argument fills. */
export const FILE_FIELDS: readonly string[] = ['path', 'sha256', 'size'];

/** `positional` in the order of the form's arguments, `options` by field name. @throws Failure for an unreadable file */
export async function commandInput(
  capability: Capability,
  form: CliForm,
  positional: readonly Typed[],
  options: Readonly<Record<string, Typed>>,
): Promise<Input> {
  const types = new Map(inputFields(capability).map((field) => [field.name, field.type]));
  const typed = (field: string, value: Typed): unknown => (typeof value === 'string' ? fromText(types.get(field) ?? 'text', value) : value);
  const input: Record<string, unknown> = {};
  for (const [field, value] of Object.entries({ ...form.defaults, ...options })) if (value !== undefined) input[field] = typed(field, value);
  for (const [index, argument] of (form.arguments ?? []).entries()) {
    const value = positional[index];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    if (argument.as === 'file') Object.assign(input, await fileFields(argument, String(value)));
    else if (argument.as === 'text') input[argument.field] = Buffer.from(String(value)).toString('base64');
    else input[argument.field] = argument.as === 'rest' ? value : typed(argument.field, value);
  }
  return input;
}

async function fileFields(argument: CliArgument, file: string): Promise<Record<string, unknown>> {
  const path = resolve(file);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
    }
  } catch (error) {
    throw new Failure(`${argument.label}: cannot read ${path} (${codeOf(error) ?? messageOf(error)})`);
  }
  return { path, sha256: hash.digest('hex'), size };
}

/** The refusal that the node would answer with, or `undefined`. */
export function refusalOf(capability: Capability, input: Input): Refusal | undefined {
  const params: Record<string, string> = {};
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(input)) {
    const source = sourceOf(capability, field);
    if (source === 'path') params[field] = String(value);
    else if (source === 'query') query.set(field, String(value));
    else body[field] = value;
  }
  const parsed = parseInput(capability, { params, query, body });
  return parsed.ok ? undefined : parsed;
}
