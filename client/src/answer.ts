import type { Capability } from '@muster/contract';
import { ContractError, RefusedError } from './errors.ts';
import type { WireResponse } from './transport.ts';

/** Body of an answer: parsed when it says that it is JSON, else text. */
export function bodyOf(response: WireResponse): unknown {
  const text = new TextDecoder().decode(response.body);
  if (!/^application\/(?:[^;]*\+)?json\b/iu.test(response.headers['content-type'] ?? '')) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Output of a capability. Throws `RefusedError` for a refusal and `ContractError` for what the contract does not allow. */
export function readAnswer(capability: Capability, response: WireResponse): unknown {
  const body = bodyOf(response);
  if (response.status >= 300) throw new RefusedError(capability.name, response.status, body);
  if (!(capability.status as readonly number[]).includes(response.status)) {
    throw new ContractError(capability.name, `answered ${response.status}, expected ${capability.status.join(' or ')}`, body);
  }
  const parsed = capability.output.safeParse(outputOf(capability, body));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ContractError(capability.name, `answer: ${issue?.path.join('.')}: ${issue?.message}`, body);
}

function outputOf(capability: Capability, body: unknown): unknown {
  if (capability.shape === 'empty') return body === '' ? undefined : body;
  if (capability.shape !== 'object') return body;
  if (typeof body !== 'object' || body === null || !('ok' in body) || body.ok !== true) {
    throw new ContractError(capability.name, 'answered without "ok": true', body);
  }
  return body;
}
