/** From the parts of a request to the input of a capability: every rule is the contract's. */
import type { Refusal } from '@muster/contract';
import { BODY_TOO_LARGE, MAX_BODY_BYTES, parseInput, readBody, refuseBeforeBody } from '@muster/contract';
import type { Answer } from './answer.ts';
import { json, text } from './answer.ts';
import { readBytes } from './body.ts';
import type { Exchange } from './exchange.ts';
import type { Match, Route } from './routes.ts';

export interface Input {
  readonly value: Record<string, unknown>;
}

export type Read = Input | { readonly refused: Answer };
type Found = Match & { readonly route: Route };

/** Reads the body as the capability's policy says, and parses all parts. Throws `ClientGone`. */
export async function readInput(match: Found, query: URLSearchParams, exchange: Exchange): Promise<Read> {
  const { body: policy } = match.route.capability;
  if (policy === 'none') return readTarget(match, query);
  const { request, response } = exchange;
  const contentType = request.headers['content-type'];
  const early = refuseBeforeBody(policy, contentType);
  if (early) return { refused: refusal(early) };
  const announced = Number(request.headers['content-length'] ?? 0);
  if (exchange.expectsContinue && announced <= MAX_BODY_BYTES) response.writeContinue();
  const bytes = announced <= MAX_BODY_BYTES ? await readBytes(request, MAX_BODY_BYTES) : undefined;
  if (bytes === undefined) return policy === 'tolerant' ? readTarget(match, query) : { refused: refusal(BODY_TOO_LARGE) };
  const body = readBody(policy, contentType, bytes);
  return body.ok ? parse(match, query, body.value) : { refused: refusal(body) };
}

/** Parses what the request target carries, where there is no body. */
export function readTarget(match: Found, query: URLSearchParams): Read {
  return parse(match, query, undefined);
}

function parse({ route, values }: Found, query: URLSearchParams, body: unknown): Read {
  const params = Object.fromEntries(route.fields.map((field, index) => [field, values[index]!]));
  const parsed = parseInput(route.capability, { params, query, body });
  return parsed.ok ? { value: parsed.input } : { refused: refusal(parsed) };
}

function refusal(refused: Refusal): Answer {
  return refused.text === undefined ? json(refused.status, refused.json) : text(refused.status, refused.text);
}
