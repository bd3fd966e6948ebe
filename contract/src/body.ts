/** Request bodies by policy: which bytes make a value, and how the others are refused. */
import type { BodyPolicy } from './capability.ts';
import { JsonSyntaxError, parseJson, parseJsonPrefix } from './json-prefix.ts';
import { type Refusal, refuseJson, refuseText } from './refusal.ts';

/** Largest request body, in bytes. */
export const MAX_BODY_BYTES = 1_048_576;

export type Body = { readonly ok: true; readonly value: unknown } | Refusal;

/** 413, for a body that is too long, or announced to be */
export const BODY_TOO_LARGE: Refusal = refuseText(413, 'Failed to buffer the request body: length limit exceeded');
const NOT_JSON = refuseText(415, 'Expected request with `Content-Type: application/json`');
const NOT_JSON_OPTIONAL = refuseJson(415, 'Content-Type must be application/json');

/** `application/json` or `application/*+json`, with any parameters. */
export function isJsonContentType(contentType: string | undefined): boolean {
  return /^application\/(?:[^\s;+]+\+)*json$/iu.test((contentType ?? '').split(';', 1)[0]!.trim());
}

/** The refusal, if any, that content type and policy already decide before the body is read. */
export function refuseBeforeBody(policy: BodyPolicy, contentType: string | undefined): Refusal | undefined {
  return policy === 'json-prefix' && !isJsonContentType(contentType) ? NOT_JSON : undefined;
}

/**
 * `none` and `tolerant` never refuse; `none` gives `{}`.
 * Refusals: 415 wrong content type, 413 over `MAX_BODY_BYTES`, 400 no JSON.
 */
export function readBody(policy: BodyPolicy, contentType: string | undefined, bytes: Uint8Array): Body {
  switch (policy) {
    case 'none':
      return { ok: true, value: {} };
    case 'tolerant':
      return tolerant(contentType, bytes);
    case 'strict-optional':
      return strictOptional(contentType, bytes);
    case 'json-prefix':
      return jsonPrefix(contentType, bytes);
  }
}

function jsonPrefix(contentType: string | undefined, bytes: Uint8Array): Body {
  if (!isJsonContentType(contentType)) return NOT_JSON;
  if (bytes.length > MAX_BODY_BYTES) return BODY_TOO_LARGE;
  return parsed(
    () => parseJsonPrefix(bytes).value,
    (reason) => refuseText(400, `Failed to parse the request body as JSON: ${reason}`),
  );
}

function strictOptional(contentType: string | undefined, bytes: Uint8Array): Body {
  if (bytes.length === 0) return { ok: true, value: {} };
  if (bytes.length > MAX_BODY_BYTES) return BODY_TOO_LARGE;
  if (!isJsonContentType(contentType)) return NOT_JSON_OPTIONAL;
  return parsed(
    () => parseJson(bytes),
    (reason) => refuseJson(400, `invalid JSON: ${reason}`),
  );
}

function tolerant(contentType: string | undefined, bytes: Uint8Array): Body {
  const empty: Body = { ok: true, value: {} };
  if (!isJsonContentType(contentType) || bytes.length > MAX_BODY_BYTES) return empty;
  return parsed(
    () => parseJsonPrefix(bytes).value,
    () => empty,
  );
}

function parsed(parse: () => unknown, refuse: (reason: string) => Body): Body {
  try {
    return { ok: true, value: parse() };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return refuse(error.message);
    throw error;
  }
}
