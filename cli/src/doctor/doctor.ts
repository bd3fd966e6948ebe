/** `muster doctor`: ten checks in plain words. It looks, and never changes anything. */
import { instancePaths } from '@muster/node/host';
import { EXIT_FAILED, EXIT_NO_DAEMON } from '../failure.ts';
import { inspectInstance, labelOf } from '../instances.ts';
import { columns, printJson, printLine } from '../output.ts';
import { checkDaemon, checkPeers, checkPorts, checkToken } from './daemon.ts';
import { checkConfig, checkDataDir, checkHostDirectory, checkIdentity } from './files.ts';
import { type Finding, type Patient, problemOf, type Verdict } from './finding.ts';
import { checkClock, checkNode } from './machine.ts';

export interface DoctorRequest {
  readonly name: string | undefined;
  /** another configuration than the instance's own; must exist */
  readonly config?: string | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code: 0 no problem, 1 a problem, 2 the daemon is not running and that is all. */
export async function doctor({ name, config, json }: DoctorRequest): Promise<number> {
  const patient: Patient = { ...(await inspectInstance(name, config)), configFile: config ?? instancePaths(name).configFile };
  const findings = await examine(patient);
  const problems = findings.filter(({ status }) => status === 'problem');
  const warnings = findings.filter(({ status }) => status === 'warning');
  if (json) {
    await printJson({
      ok: problems.length === 0,
      instance: labelOf(name),
      problems: problems.length,
      warnings: warnings.length,
      checks: findings.map((finding) => ({ ...finding, advice: finding.advice ?? null })),
    });
  } else await printLine([...findings.flatMap((finding) => lines(finding, columns())), '', summary(problems.length, warnings.length)].join('\n'));
  if (problems.length === 0) return 0;
  return problems.length === 1 && problems[0]!.check === 'daemon' && !patient.running ? EXIT_NO_DAEMON : EXIT_FAILED;
}

async function examine(patient: Patient): Promise<Finding[]> {
  const checks: readonly (readonly [string, () => Verdict | Promise<Verdict>])[] = [
    ['node', () => checkNode(process.version)],
    ['configuration', () => checkConfig(patient)],
    ['data', () => checkDataDir(patient)],
    ['identity', () => checkIdentity(patient)],
    ['token', () => checkToken(patient, process.env)],
    ['daemon', () => checkDaemon(patient)],
    ['ports', () => checkPorts(patient)],
    ['host directory', () => checkHostDirectory(patient)],
    ['peers', () => checkPeers(patient)],
    ['clock', () => checkClock(patient.config.dataDir, Date.now())],
  ];
  return Promise.all(
    checks.map(async ([check, verdict]) => {
      try {
        return { check, ...(await verdict()) };
      } catch (error) {
        // A check that cannot even look, for want of permission mostly, has found something.
        return { check, ...problemOf(error) };
      }
    }),
  );
}

/** What the terminal has no room for stands below, not at the margin; a path or a command is never broken. */
export function lines({ check, status, message, advice }: Finding, width: number): string[] {
  const margin = `${status.padEnd(7)}  ${check.padEnd(14)}  `;
  const indent = ' '.repeat(margin.length);
  const [first = '', ...rest] = wrapped(message, width - margin.length);
  const [what = '', ...more] = advice === undefined ? [] : wrapped(advice, width - margin.length - 2);
  const advised = advice === undefined ? [] : [`${indent}→ ${what}`, ...more.map((line) => `${indent}  ${line}`)];
  return [`${margin}${first}`, ...rest.map((line) => `${indent}${line}`), ...advised];
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function summary(problems: number, warnings: number): string {
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  if (problems + warnings === 0) return 'all is well';
  return [...(problems > 0 ? [count(problems, 'problem')] : []), ...(warnings > 0 ? [count(warnings, 'warning')] : [])].join(', ');
}
