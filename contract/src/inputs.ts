/** The fields of a capability's input, for whoever builds requests, commands, descriptions or tests from it. */
import { z } from 'zod';
import { type Capability, pathFields } from './capability.ts';
import { coreSchema, fieldInfo, type Refused } from './fields.ts';

/** Where a field travels. */
export type Source = 'path' | 'query' | 'body';

export interface InputField {
  readonly name: string;
  readonly source: Source;
  readonly type: 'text' | 'boolean' | 'number';
  readonly required: boolean;
  /** JSON `null` means the same as leaving it out */
  readonly nullable: boolean;
  readonly default: unknown;
  readonly description: string;
  /** a well-formed value */
  readonly example: string | number | boolean;
  readonly refused: readonly Refused[];
  readonly schema: z.ZodType;
}

/** Path fields stand in the path; GET and DELETE take the others from the query, as do the fields named in `query`; the rest is body. */
export function sourceOf(capability: Pick<Capability, 'path' | 'method' | 'query'>, field: string): Source {
  if (pathFields(capability.path).includes(field)) return 'path';
  if (capability.method === 'GET' || capability.method === 'DELETE' || capability.query?.includes(field)) return 'query';
  return 'body';
}

const known = new WeakMap<Capability, readonly InputField[]>();

/** Fields in the order of declaration. */
export function inputFields(capability: Capability): readonly InputField[] {
  const before = known.get(capability);
  if (before) return before;
  const fields = Object.entries(capability.input.shape).map(([name, schema]) => inputField(capability, name, schema as z.ZodType));
  known.set(capability, fields);
  return fields;
}

function inputField(capability: Capability, name: string, schema: z.ZodType): InputField {
  const info = fieldInfo(schema);
  const type = typeOf(schema);
  return {
    name,
    source: sourceOf(capability, name),
    type,
    required: !(schema instanceof z.ZodOptional) && !(schema instanceof z.ZodDefault),
    nullable: schema instanceof z.ZodOptional,
    default: schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined,
    description: [schema.description, info?.about].filter((text) => text !== undefined).join('; '),
    example: info?.example ?? (type === 'boolean' ? true : type === 'number' ? 1 : 'text'),
    refused: info?.refused ?? [],
    schema,
  };
}

function typeOf(schema: z.ZodType): InputField['type'] {
  const core = coreSchema(schema);
  if (core instanceof z.ZodBoolean) return 'boolean';
  return core instanceof z.ZodNumber ? 'number' : 'text';
}

/** Booleans are literally `true` or `false`, numbers decimal; anything else stays text, which the schema refuses. */
export function fromText(type: InputField['type'], text: string): string | number | boolean {
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (type === 'number' && /^-?\d+(?:\.\d+)?$/u.test(text)) return Number(text);
  return text;
}

/** A well-formed input with the required fields only. */
export function exampleInput(capability: Capability): Record<string, unknown> {
  return Object.fromEntries(inputFields(capability).flatMap((field) => (field.required ? [[field.name, field.example]] : [])));
}
