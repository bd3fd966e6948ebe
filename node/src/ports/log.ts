/** Structured log lines. Never pass a secret, a token or a payload; ids, counts and digests are fine. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface Log {
  write(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}
