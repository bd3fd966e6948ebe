/** How a run ends that `listenForInterrupt` ended. */
import { Interrupted } from '@muster/lab';
import { EXIT_HARNESS } from './failure.ts';

export function interruptedCode({ reason }: AbortSignal): number {
  return reason instanceof Interrupted ? reason.exitCode : EXIT_HARNESS;
}
