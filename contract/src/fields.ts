/**
 * Schemas of the fields that requests and answers are made of.
 *
 * A request field tells two kinds of mistake apart. A wrong JSON type is *structural* and refused with 422 (400 in a query).
 * A string that is not what it should be is a *format* mistake: its issue carries `{status, message}` in `params`, where
 * `{field}` in the message stands for the path of the field.
 */
import { z } from 'zod';
import { base64Problem } from './base64.ts';

/** A string that a field refuses, and how. */
export interface Refused {
  readonly title: string;
  readonly value: string;
  readonly status: number;
}

/** What generated requests need to know of a request field. */
export interface FieldInfo {
  /** the format, in a few words for help and API description */
  readonly about: string;
  /** a well-formed value */
  readonly example: string | number | boolean;
  readonly refused: readonly Refused[];
}

/** Looked up by `fieldInfo`, also through `.optional()` and `.default()`. */
const fields = z.registry<FieldInfo>();

/** Information of a field made here; `undefined` for plain booleans and numbers. */
export function fieldInfo(schema: z.ZodType): FieldInfo | undefined {
  return fields.get(coreSchema(schema));
}

/** Reaches through `.optional()` and `.default()`. */
export function coreSchema(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap() as z.ZodType;
  return inner;
}

interface FormatIssue {
  readonly status: number;
  readonly message: string;
}

/** A string with a format; `problem` names what is wrong, or returns `undefined`. */
function formatted(problem: (value: string) => FormatIssue | undefined): z.ZodString {
  return z.string().superRefine((value, context) => {
    const found = problem(value);
    if (found) context.addIssue({ code: 'custom', message: found.message, params: found, continue: false });
  });
}

function withInfo<S extends z.ZodType>(schema: S, info: FieldInfo): S {
  fields.add(schema, info);
  return schema;
}

const refused = (title: string, value: string): Refused => ({ title, value, status: 400 });

// --- ids ---------------------------------------------------------------------------------------------------------------

function idProblem(text: string): string | undefined {
  const wrong = /[^0-9a-fA-F]/u.exec(text);
  if (wrong) return `invalid hex: {field} has '${wrong[0]}' at index ${wrong.index}`;
  if (text.length % 2 !== 0) return `invalid hex: {field} has an odd number of digits (${text.length})`;
  if (text.length !== 64) return `expected 32 bytes (64 hex chars), got ${text.length / 2} ({field})`;
  return undefined;
}

const REFUSED_IDS = [
  refused('not hexadecimal', `${'a'.repeat(63)}z`),
  refused('one byte short', 'a'.repeat(62)),
  refused('odd number of digits', 'a'.repeat(63)),
  refused('150 characters', 'a'.repeat(150)),
  refused('10,000 characters', 'a'.repeat(10_000)),
];

function id(example: string, message?: string): z.ZodString {
  const schema = formatted((text) => {
    const problem = idProblem(text);
    return problem === undefined ? undefined : { status: 400, message: message ?? problem };
  }).toLowerCase();
  return withInfo(schema, { about: '64 hex digits', example, refused: REFUSED_IDS });
}

/** 32 bytes as 64 hex digits in any case; parsed to lower case. `message` replaces the usual refusals. */
export const agentId = (message?: string): z.ZodString => id('a1'.repeat(32), message);
/** 32 bytes as 64 hex digits in any case; parsed to lower case. `message` replaces the usual refusals. */
export const machineId = (message?: string): z.ZodString => id('b2'.repeat(32), message);

/** 32 bytes as 64 hex digits in any case; parsed to lower case. */
export const userId = (): z.ZodString => id('c3'.repeat(32), 'invalid {field}: expected 64 hex characters');

/** The machine id of a peer; its refusals have texts of their own. */
export function peerId(): z.ZodString {
  const schema = formatted((text) => {
    if (/[^0-9a-f]/iu.test(text) || text.length % 2 !== 0) return { status: 400, message: `invalid hex {field}: ${text.slice(0, 64)}` };
    return text.length === 64 ? undefined : { status: 400, message: `{field} must be 32 bytes, got ${text.length / 2}` };
  }).toLowerCase();
  return withInfo(schema, { about: '64 hex digits', example: 'b2'.repeat(32), refused: REFUSED_IDS });
}

/** The agent id of who asks; its refusals have texts of their own. */
export function askingAgentId(): z.ZodString {
  const schema = formatted((text) => {
    if (/[^0-9a-f]/iu.test(text) || text.length % 2 !== 0) return { status: 400, message: 'invalid {field} agent_id hex' };
    return text.length === 64 ? undefined : { status: 400, message: '{field} agent_id must be 32 bytes' };
  }).toLowerCase();
  return withInfo(schema, { about: '64 hex digits', example: 'a1'.repeat(32), refused: REFUSED_IDS.slice(0, 4) });
}

// --- words -------------------------------------------------------------------------------------------------------------

export const TRUST_LEVELS = ['blocked', 'unknown', 'known', 'trusted'] as const;
export type TrustLevel = (typeof TRUST_LEVELS)[number];
export const IDENTITY_TYPES = ['anonymous', 'known', 'trusted', 'pinned'] as const;
export type IdentityType = (typeof IDENTITY_TYPES)[number];
/** as streams and sockets spell it */
export const TRUST_DECISIONS = ['accept', 'accept_with_flag', 'reject_machine_mismatch', 'reject_blocked', 'unknown'] as const;
export type TrustDecision = (typeof TRUST_DECISIONS)[number];
/** as `POST /trust/evaluate` spells it */
export const TRUST_VERDICTS = ['Accept', 'AcceptWithFlag', 'RejectMachineMismatch', 'RejectBlocked', 'Unknown'] as const;

/** A word of a list in any case, parsed to lower case. */
function word<const Words extends readonly [string, ...string[]]>(kind: string, words: Words, example: Words[number]) {
  const valid = words.join(', ');
  const schema = formatted((text) =>
    words.includes(text.toLowerCase())
      ? undefined
      : { status: 400, message: `invalid ${kind}: ${text.slice(0, 64)} (valid values: ${valid}) in {field}` },
  )
    .toLowerCase()
    .pipe(z.enum(words));
  return withInfo(schema, { about: words.join(', '), example, refused: [refused('not in the list', 'friendly'), refused('empty', '')] });
}

/** blocked, unknown, known or trusted, in any case; parsed to lower case */
export const trustLevel = () => word('trust level', TRUST_LEVELS, 'known');
/** anonymous, known, trusted or pinned, in any case; parsed to lower case */
export const identityType = () => word('identity type', IDENTITY_TYPES, 'known');

// --- bytes and text ----------------------------------------------------------------------------------------------------

const BASE64_INFO: FieldInfo = {
  about: 'base64 with padding',
  example: 'aGVsbG8=',
  refused: [
    refused('not base64', '!!!'),
    refused('missing padding', 'aGVsbG8'),
    refused('the URL alphabet', '-_-_'),
    refused('bits left over', 'aGVsbG9='),
    refused('a line break', 'aGVs\nbG8='),
  ],
};

/** Standard base64 with padding, kept as text; `decodeBase64` gives the bytes. */
export function base64(): z.ZodString {
  const schema = formatted((text) => {
    const problem = base64Problem(text);
    return problem === undefined ? undefined : { status: 400, message: `invalid base64 in {field} field: ${problem}` };
  });
  return withInfo(schema, BASE64_INFO);
}

/** Like `base64`, but the handler checks it with `decodeBase64`, because another refusal must come first. */
export const uncheckedBase64 = (): z.ZodString => withInfo(z.string(), BASE64_INFO);

/** Largest topic, in UTF-8 bytes. */
export const MAX_TOPIC_BYTES = 256;

/** 1 to 256 UTF-8 bytes */
export function topic(): z.ZodString {
  const schema = formatted((text) => {
    if (text.length === 0) return { status: 400, message: '{field} must not be empty' };
    const size = new TextEncoder().encode(text).length;
    return size <= MAX_TOPIC_BYTES ? unspeakable(text) : { status: 400, message: `{field} must not exceed ${MAX_TOPIC_BYTES} bytes, got ${size}` };
  });
  return withInfo(schema, {
    about: `1 to ${MAX_TOPIC_BYTES} bytes`,
    example: 'muster.example',
    refused: [refused('empty', ''), refused('257 bytes', 't'.repeat(MAX_TOPIC_BYTES + 1)), refused('a byte order mark', '\uFEFFtopic')],
  });
}

/** What others would read as another text: half a character is sent as U+FFFD, and decoders drop a byte order mark in front. */
function unspeakable(value: string): FormatIssue | undefined {
  if (value.isWellFormed() && !value.startsWith('\uFEFF')) return undefined;
  return { status: 400, message: '{field} must be whole characters, without a byte order mark in front' };
}

/** Free text up to `max` characters. */
export function text(max: number, example: string): z.ZodString {
  const schema = formatted((value) =>
    value.length <= max ? unspeakable(value) : { status: 400, message: `{field} must not exceed ${max} characters, got ${value.length}` },
  );
  const not = [refused(`${max + 1} characters`, 'x'.repeat(max + 1)), refused('a byte order mark', `\uFEFF${example}`)];
  return withInfo(schema, { about: `up to ${max} characters`, example, refused: not });
}

/** Any string, judged by the handler alone. */
export const anyText = (example: string): z.ZodString => withInfo(z.string(), { about: 'text', example, refused: [] });

/** What an application calls its own kind of signature: 1 to 64 of `a-z 0-9 . _ -`. */
export function signingContext(): z.ZodString {
  const schema = formatted((value) =>
    /^[a-z0-9._-]{1,64}$/u.test(value) ? undefined : { status: 400, message: 'invalid {field}: expected 1 to 64 of a-z 0-9 . _ -' },
  );
  return withInfo(schema, {
    about: '1 to 64 of a-z 0-9 . _ -',
    example: 'muster.example.v1',
    refused: [refused('empty', ''), refused('a blank', 'a b'), refused('65 characters', 'c'.repeat(65))],
  });
}

/** Position in a list of stored things, as an earlier answer gave it: 16 lower-case hex digits. */
export function cursor(): z.ZodString {
  const schema = formatted((value) =>
    /^[0-9a-f]{16}$/u.test(value) ? undefined : { status: 400, message: 'invalid cursor in {field}: expected 16 lower-case hex digits' },
  );
  return withInfo(schema, {
    about: '16 hex digits',
    example: '0'.repeat(16),
    refused: [refused('empty', ''), refused('not hexadecimal', 'x'.repeat(16))],
  });
}

// --- fields of answers -------------------------------------------------------------------------------------------------

/** 32 bytes, 64 lower-case hex digits */
export const hex64 = (): z.ZodString => z.string().regex(/^[0-9a-f]{64}$/u);
/** standard base64 with padding */
export const base64Text = (): z.ZodBase64 => z.base64();
/** Unix seconds */
export const seconds = (): z.ZodInt => z.int().min(0);
/** Unix milliseconds */
export const milliseconds = (): z.ZodInt => z.int().min(0);
/** milliseconds between two moments, with fractions */
export const duration = (): z.ZodNumber => z.number().min(0);
export const count = (): z.ZodInt => z.int().min(0);
/** an answer without a body, a stream or a socket */
export const nothing = (): z.ZodUndefined => z.undefined();
