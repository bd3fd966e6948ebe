/** Which planted bugs the suites caught when they were last put to the proof, for the reports of the runs that they judge. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type KillRate, type OracleReport, SABOTEURS, systemClock } from '@muster/lab';
import { instancePaths, VERSION } from '@muster/node/host';
import { suites } from '@muster/suites';

function file(): string {
  return join(instancePaths(undefined).identityDir, 'kill-rate.json');
}

/** The same for the same bugs, planted into the same version, before the same scenarios. */
function mark(): string {
  const scenarios = suites.flatMap((suite) => suite.scenarios.map(({ id }) => id));
  return createHash('sha256')
    .update(JSON.stringify([VERSION, scenarios, SABOTEURS.map(({ name, caughtBy }) => [name, caughtBy])]))
    .digest('hex');
}

/** Keeps what came of all planted bugs; of some of them says nothing. */
export function rememberKillRate({ saboteurs }: OracleReport): void {
  if (saboteurs.length < SABOTEURS.length) return;
  const bugs = saboteurs.map(({ saboteur: name, plants, caughtBy, caught }) => ({ name, plants, caughtBy, caught }));
  const killRate: KillRate = { bugs, measuredAt: new Date(systemClock.now()).toISOString() };
  mkdirSync(dirname(file()), { recursive: true, mode: 0o700 });
  const partial = `${file()}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify({ mark: mark(), ...killRate })}\n`);
  renameSync(partial, file());
}

/** Undefined when it was never measured, or for other suites than these. */
export function knownKillRate(): KillRate | undefined {
  try {
    const { mark: of, bugs, measuredAt } = JSON.parse(readFileSync(file(), 'utf8')) as Partial<KillRate & { mark: string }>;
    return of === mark() && Array.isArray(bugs) && typeof measuredAt === 'string' ? { bugs, measuredAt } : undefined;
  } catch {
    return undefined;
  }
}
