/** How a refusal looks on the wire. */
import type { Capability, CapabilityError } from './capability.ts';

/** Either plain text, as the compatible API's extractors answer, or JSON. */
export type Refusal =
  | { readonly ok: false; readonly status: number; readonly text: string; readonly json?: undefined }
  | { readonly ok: false; readonly status: number; readonly json: Readonly<Record<string, unknown>>; readonly text?: undefined };

export const refuseText = (status: number, text: string): Refusal => ({ ok: false, status, text });
export const refuseJson = (status: number, error: string): Refusal => ({ ok: false, status, json: { ok: false, error } });

/** JSON body of a refusal by a capability: `{"ok":false,"error":…}`, or `{"error":…}` where it is declared so. */
export function refusalBody(capability: Pick<Capability, 'refusal'>, error: Pick<CapabilityError, 'message' | 'extra'>): Record<string, unknown> {
  const body = { error: error.message, ...error.extra };
  return capability.refusal === 'bare' ? body : { ok: false, ...body };
}
