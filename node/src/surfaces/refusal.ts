/** What a caller is told of an error that a handler threw. */
import { CapabilityError } from '@muster/contract';
import { StoreError } from '../ports/index.ts';

/** undefined: a defect, of which the caller learns nothing. */
export function refusalOf(error: unknown): CapabilityError | undefined {
  if (error instanceof CapabilityError) return error;
  // A full or failing disk may stand behind any capability: the node lives on, and so does what needs no disk.
  return error instanceof StoreError ? new CapabilityError(503, `storage unavailable: ${error.message}`) : undefined;
}
