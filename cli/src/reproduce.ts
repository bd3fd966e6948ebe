/** The command that does a run again. */
import { readFile } from 'node:fs/promises';
import { readSchedule, type Schedule } from '@muster/lab';
import type { Json, ProofReport } from '@muster/proof';
import type { ProveRequest } from './prove.ts';

/** Paths of token files stay out: the line is part of the bundle. */
export function reproduceLine(
  { suite, grep, target, targetCmd, shard, baseline, world, realCrypto, saboteur, schedule, ...rest }: ProveRequest,
  seed: string,
): string {
  const { nodes, messages, rate, duration, kills, trials } = rest;
  const numbers = Object.entries(defined({ nodes, messages, rate, duration, kills, trials })).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
  const words = [
    'muster prove --seed',
    seed,
    ...(world === undefined ? [] : ['--world', world]),
    ...(realCrypto ? ['--real-crypto'] : []),
    ...(saboteur === undefined ? [] : ['--saboteur', saboteur]),
    ...(suite ? ['--suite', ...suite] : []),
    ...(grep === undefined ? [] : ['--grep', grep]),
    ...(shard ? ['--shard', `${shard.index}/${shard.of}`] : []),
    ...(baseline === undefined ? [] : ['--baseline', baseline]),
    ...(schedule === undefined ? [] : ['--schedule', schedule]),
    ...numbers,
    ...(target ?? []).flatMap((url) => ['--target', url]),
    ...(targetCmd === undefined ? [] : ['--target-cmd', targetCmd]),
  ];
  return words.map((word, index) => (index === 0 ? word : shellWord(word))).join(' ');
}

/** What a run does again, as data; of a run against nodes that were there already, nothing does. */
export function planData(request: ProveRequest, seed: string, schedule: Schedule | undefined): Json {
  const { suite, grep, world = 'local', realCrypto, saboteur, targetCmd, target, nodes, messages, rate, duration, kills, trials } = request;
  const given = { suite, grep, world, realCrypto, saboteur, targetCmd, target, nodes, messages, rate, duration, kills, trials, schedule };
  return JSON.parse(JSON.stringify({ seed, ...given })) as Json;
}

export type PlannedRun = Pick<
  ProveRequest,
  'suite' | 'grep' | 'world' | 'realCrypto' | 'saboteur' | 'targetCmd' | 'target' | 'messages' | 'rate' | 'kills' | 'trials' | 'nodes' | 'duration'
>;

/** What `planData` said; the schedule is left out, which the journal has as it was drawn. Undefined where nothing was said. */
export function plannedRun({ inputs: { plan } }: NonNullable<ProofReport['run']>): PlannedRun | undefined {
  if (typeof plan !== 'object' || plan === null) return undefined;
  const { seed: _, schedule: __, ...request } = plan as PlannedRun & { readonly seed?: unknown; readonly schedule?: unknown };
  return request;
}

/** @throws RangeError for what is none, and what reading throws */
export async function scheduleIn(file: string): Promise<Schedule> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new RangeError(`--schedule ${file}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`, { cause: error });
  });
  try {
    return readSchedule(JSON.parse(text));
  } catch (error) {
    throw new RangeError(`${file}: ${error instanceof SyntaxError ? 'not JSON' : (error as Error).message}`, { cause: error });
  }
}

export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export function defined(values: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter((each): each is [string, number] => each[1] !== undefined));
}
