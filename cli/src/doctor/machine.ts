/** What the machine must bring: a Node that is new enough, a clock that is right. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ok, problem, type Verdict, warning } from './finding.ts';

const MINIMUM_NODE = 24;
/** No clock of a machine that runs this program was ever right before this. */
const EARLIEST = Date.parse('2026-01-01T00:00:00Z');
const LATEST = Date.parse('2100-01-01T00:00:00Z');
const MAX_AHEAD_MS = 5 * 60_000;

/** `version`: `v26.1.0` */
export function checkNode(version: string): Verdict {
  const major = Number(/^v(\d+)\./u.exec(version)?.[1]);
  return major >= MINIMUM_NODE ? ok(version) : problem(`${version} is too old`, `install Node ${MINIMUM_NODE} or newer`);
}

/** `now`: Unix ms. A clock behind what it stamped on our own files was turned back. */
export async function checkClock(dataDir: string, now: number): Promise<Verdict> {
  const shown = Number.isFinite(now) ? new Date(now).toISOString() : String(now);
  if (!(now >= EARLIEST && now < LATEST)) return problem(`the clock says ${shown}, which cannot be`, 'set it, or turn time synchronisation on');
  const ahead = (await newestIn(dataDir)) - now;
  if (ahead <= MAX_AHEAD_MS) return ok(shown);
  return warning(
    `the clock says ${shown}, but files in ${dataDir} were written ${Math.round(ahead / 60_000)} minutes later`,
    'check the clock: peers refuse what comes from another time',
  );
}

/** Unix ms of the latest change of a file; 0 when there is none. */
async function newestIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch((): string[] => []);
  const times = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return times.reduce((latest, time) => Math.max(latest, time), 0);
}
