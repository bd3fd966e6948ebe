/** Reads frames that a WebSocket client sent. */
import type { z } from 'zod';

export interface Frame {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type ParsedFrame = { readonly ok: true; readonly frame: Frame } | { readonly ok: false; readonly message: string };

/** `text`: undefined for a binary frame. The message of a refusal names the field. */
export function parseFrame(frames: Readonly<Record<string, z.ZodType>>, text: string | undefined): ParsedFrame {
  if (text === undefined) return invalid('frames are JSON text, not binary');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return invalid(error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid('expected a JSON object');
  const { type } = value as { type?: unknown };
  if (typeof type !== 'string') return invalid('type: expected a string');
  const schema = Object.hasOwn(frames, type) ? frames[type] : undefined;
  if (schema === undefined) return invalid(`unknown type ${JSON.stringify(type.slice(0, 64))}, expected one of ${Object.keys(frames).join(', ')}`);
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, frame: { ...(parsed.data as object), type } };
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.') || type;
  // A field of the right JSON type in the wrong format: the words are the field's own, as over REST.
  if (issue.code === 'custom') return { ok: false, message: issue.message.replaceAll('{field}', field) };
  return invalid(`${field}: ${issue.message}`);
}

function invalid(message: string): ParsedFrame {
  return { ok: false, message: `invalid command: ${message}` };
}
