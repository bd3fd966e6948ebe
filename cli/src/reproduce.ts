/** The command that does a run again. */
import type { ProveRequest } from './prove.ts';

/** Paths of token files stay out: the line is part of the bundle. */
export function reproduceLine({ suite, grep, target, targetCmd, shard, baseline, world, realCrypto, ...rest }: ProveRequest, seed: string): string {
  const { nodes, messages, rate, duration, kills } = rest;
  const numbers = Object.entries(defined({ nodes, messages, rate, duration, kills })).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const words = [
    'muster prove --seed',
    seed,
    ...(world === undefined ? [] : ['--world', world]),
    ...(realCrypto ? ['--real-crypto'] : []),
    ...(suite ? ['--suite', ...suite] : []),
    ...(grep === undefined ? [] : ['--grep', grep]),
    ...(shard ? ['--shard', `${shard.index}/${shard.of}`] : []),
    ...(baseline === undefined ? [] : ['--baseline', baseline]),
    ...numbers,
    ...(target ?? []).flatMap((url) => ['--target', url]),
    ...(targetCmd === undefined ? [] : ['--target-cmd', targetCmd]),
  ];
  return words.map((word, index) => (index === 0 ? word : shellWord(word))).join(' ');
}

export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export function defined(values: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter((each): each is [string, number] => each[1] !== undefined));
}
