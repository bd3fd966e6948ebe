/** The runs of this user, in a local SQLite file: what `muster history`, `--last-failed` and `--gate` look back on. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { instancePaths } from '@muster/node/host';
import type { ProofReport, Status } from '@muster/proof';

/** Older ones are forgotten. */
const RUNS_KEPT = 1_000;
/** ms to wait for another command that writes */
const BUSY_LIMIT_MS = 5_000;
const SCHEMA_VERSION = 2;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY, run_id TEXT NOT NULL, started_at TEXT NOT NULL, target TEXT NOT NULL, seed TEXT NOT NULL,
    version TEXT NOT NULL, reproduce TEXT NOT NULL, outcome TEXT NOT NULL, exit_code INTEGER NOT NULL, checks INTEGER NOT NULL,
    not_passed INTEGER NOT NULL, ms REAL NOT NULL, bundle TEXT NOT NULL,
    UNIQUE (run_id, bundle)
  );
  CREATE INDEX IF NOT EXISTS runs_by_target ON runs (target, number);
  CREATE TABLE IF NOT EXISTS results (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE, check_id TEXT NOT NULL, requirement TEXT NOT NULL,
    status TEXT NOT NULL, message TEXT NOT NULL, ms REAL NOT NULL, PRIMARY KEY (check_id, run)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS results_by_run ON results (run);
`;

export interface RunRecord {
  readonly runId: string;
  /** ISO 8601 UTC */
  readonly startedAt: string;
  readonly target: string;
  readonly seed: string;
  readonly version: string;
  readonly reproduce: string;
  readonly outcome: string;
  readonly exitCode: number;
  readonly checks: number;
  readonly notPassed: number;
  /** of the whole run */
  readonly ms: number;
  readonly bundle: string;
}

export interface ResultRecord {
  readonly runId: string;
  readonly check: string;
  readonly requirement: string;
  readonly status: Status;
  readonly message: string;
  readonly ms: number;
}

/** `prove` judges the run itself; what was filtered out is not part of it. */
const GOOD: ReadonlySet<Status> = new Set(['pass', 'warn', 'skipped', 'notrun', 'expected-fail']);

function historyFile(): string {
  return join(instancePaths(undefined).identityDir, 'proof-history.sqlite');
}

export class RunHistory implements Disposable {
  readonly #database: DatabaseSync;

  /** Makes the file when there is none. @throws Error for a file that is no such history, or of a later version */
  constructor(path: string = historyFile()) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#database = new DatabaseSync(path, { timeout: BUSY_LIMIT_MS });
    try {
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON');
      const { user_version: version } = this.#database.prepare('PRAGMA user_version').get() as { user_version: number };
      if (version > SCHEMA_VERSION) throw new Error(`${path} was written by a later version of muster`);
      const outdated = version === 1 ? 'DROP TABLE results; DROP TABLE runs;' : '';
      this.#database.exec(`BEGIN IMMEDIATE; ${outdated} ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Enters a run once; again changes nothing. Runs of one seed in a simulated world share an id, and differ in their bundles. */
  add(report: ProofReport, bundle: string): void {
    const { run, verdict, journal } = report;
    if (!run) return;
    const rows = verdict.rows.filter(({ filteredOut }) => !filteredOut);
    this.#transaction(() => {
      const { changes, lastInsertRowid } = this.#database
        .prepare(
          `INSERT OR IGNORE INTO runs (run_id, started_at, target, seed, version, reproduce, outcome, exit_code, checks, not_passed, ms, bundle)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          run.runId, run.startedAt, targetOf(report), run.seed, run.tool.version, run.reproduce, verdict.outcome, verdict.exitCode,
          rows.length, rows.filter(({ status }) => !GOOD.has(status)).length, journal.duration, bundle,
        ); // prettier-ignore
      if (changes === 0) return;
      const insert = this.#database.prepare('INSERT INTO results (run, check_id, requirement, status, message, ms) VALUES (?, ?, ?, ?, ?, ?)');
      for (const { id, requirement, status, message, duration } of rows) insert.run(lastInsertRowid, id, requirement, status, message, duration);
      this.#database.prepare('DELETE FROM runs WHERE number <= ?').run(Number(lastInsertRowid) - RUNS_KEPT);
    });
  }

  /** Newest first. */
  runs(last: number, target?: string): RunRecord[] {
    return this.#database
      .prepare(
        `SELECT run_id AS runId, started_at AS startedAt, target, seed, version, reproduce, outcome, exit_code AS exitCode, checks,
           not_passed AS notPassed, ms, bundle
         FROM runs WHERE ?1 IS NULL OR target = ?1 ORDER BY number DESC LIMIT ?2`,
      )
      .all(target ?? null, last) as unknown as RunRecord[];
  }

  /** Of the last runs, newest first. */
  results(last: number, target?: string): ResultRecord[] {
    return this.#database
      .prepare(
        `SELECT runs.run_id AS runId, check_id AS "check", requirement, status, message, results.ms AS ms
         FROM (SELECT number, run_id FROM runs WHERE ?1 IS NULL OR target = ?1 ORDER BY number DESC LIMIT ?2) AS runs
         JOIN results ON results.run = runs.number ORDER BY runs.number DESC, check_id`,
      )
      .all(target ?? null, last) as unknown as ResultRecord[];
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** What was proved; runs of different targets are not compared. */
export function targetOf({ run }: ProofReport): string {
  const target = run?.inputs['target'];
  return typeof target === 'string' ? target : 'unknown';
}

/** Scenarios (`suite/name`) with a check that was not good in the last run of a target. */
export function failedScenarios(results: readonly ResultRecord[]): string[] {
  const failed = results.filter(({ status }) => !GOOD.has(status)).map(({ check }) => check.split('/').slice(0, 2).join('/'));
  return [...new Set(failed)];
}
