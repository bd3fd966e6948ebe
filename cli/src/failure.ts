/** Exit codes of every command but `prove`, `verify` and `report`, which have those of `proof/`. */
export const EXIT_FAILED = 1;
export const EXIT_NO_DAEMON = 2;
export const EXIT_INTERRUPTED = 130;
/** There is nothing in a bundle to compare or to shrink; as a verdict: inconclusive. */
export const EXIT_UNUSABLE = 2;
/** A lab or harness fault, as `proof/` numbers it. */
export const EXIT_HARNESS = 3;
/** Usage errors of `prove`, `verify` and `report`, whose other codes are verdicts. */
export const EXIT_USAGE = 4;

/** A command could not do what it was asked. The message is for people; `body` is what `--json` prints instead. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: number;
  readonly body: unknown;

  constructor(message: string, exitCode: number = EXIT_FAILED, body: unknown = { ok: false, error: message }) {
    super(message);
    this.exitCode = exitCode;
    this.body = body;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
