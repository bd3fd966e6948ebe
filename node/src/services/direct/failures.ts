/** How a message to an agent can fail, as the API names it. */
import { CapabilityError } from '@muster/contract';
import type { RejectReason } from '@muster/protocol';

export function failure(status: number, kind: string, detail: string): CapabilityError {
  return new CapabilityError(status, kind, { detail });
}

const WHY: Partial<Record<RejectReason, string>> = {
  blocked: 'the recipient blocks this agent',
  machine_mismatch: 'the recipient accepts this agent from other machines only',
  expired: 'it reached the recipient too late, or the two clocks differ',
  clock: "by the recipient's clock it comes from the future, or lives too long: the two clocks differ",
  malformed: 'the recipient could not read it',
  sealed: 'the recipient could not open its box: its keys may have changed',
  storage: 'the recipient could not store the message',
};

export function rejection(reason: RejectReason): CapabilityError {
  return failure(403, 'recipient_rejected', `${reason}: ${WHY[reason] ?? 'the recipient refused the message'}`);
}
