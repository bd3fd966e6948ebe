/** From an input to the request that carries it. */
import type { Capability, Method } from './capability.ts';
import { sourceOf } from './inputs.ts';

export interface BuiltRequest {
  readonly method: Method;
  /** path and query, percent-encoded */
  readonly target: string;
  /** to be sent as JSON; `undefined` = no body */
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

/** Takes the input as it is, well-formed or not; fields that are `undefined` are left out, unknown ones travel in the body or query. */
export function buildRequest(capability: Capability, input: Readonly<Record<string, unknown>>): BuiltRequest {
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  let path: string = capability.path;
  for (const [field, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const source = sourceOf(capability, field);
    if (source === 'path') path = path.replace(`:${field}`, () => encodeURIComponent(String(value)));
    else if (source === 'query') query.set(field, String(value));
    else body[field] = value;
  }
  const search = query.toString();
  const wanted = capability.body === 'json-prefix' || (capability.body !== 'none' && Object.keys(body).length > 0);
  return { method: capability.method, target: search === '' ? path : `${path}?${search}`, body: wanted ? body : undefined };
}
