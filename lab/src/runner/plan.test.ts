import { expect, test } from 'vitest';
import { fakeDaemon } from '../testing/fake-daemon.ts';
import { localTarget } from '../targets/local-target.ts';
import { remoteTarget, TargetAddressError } from '../targets/remote-target.ts';
import { describePlan, NoScenario, planRun, UnknownSuite } from './plan.ts';
import { type Needs, scenario, suite } from './scenario.ts';

const local = localTarget({ command: fakeDaemon() });
const remote = remoteTarget([{ url: 'http://127.0.0.1:9', token: 'x'.repeat(64) }]);

function one(id: string, needs: Needs) {
  return scenario({ id, title: `title of ${id}`, requirements: [], needs, phases: { drive: async () => undefined } });
}

const suites = [
  suite({ name: 'a', title: 'A', requirements: [], scenarios: [one('a/pair', { nodes: 2 }), one('a/trio', { nodes: 3 }), one('a/kills', { nodes: 2, powers: ['kill'] })] }),
  suite({ name: 'b', title: 'B', requirements: [], scenarios: [one('b/cut', { nodes: 2, powers: ['half-open'], wiring: 'proxied' }), one('b/cli', { nodes: 1, surfaces: ['cli'] })] }),
]; // prettier-ignore

test('what disturbs nobody shares one world, as large as the largest need; the rest has worlds of its own', () => {
  const plan = planRun(suites, local);
  expect(plan.worlds.map(({ name, nodes, wiring }) => ({ name, nodes, wiring }))).toEqual([
    { name: 'shared', nodes: 3, wiring: 'host-directory' },
    { name: 'a-kills', nodes: 2, wiring: 'host-directory' },
    { name: 'b-cut', nodes: 2, wiring: 'proxied' },
  ]);
  expect(plan.notRun.map(({ scenario: { id }, reason }) => ({ id, reason }))).toEqual([{ id: 'b/cli', reason: { surface: 'cli' } }]);
  expect(describePlan(plan).join('\n')).toBe(
    [
      'world shared: 3 nodes, host-directory (nothing in them disturbs the others)',
      '  a/pair: title of a/pair',
      '  a/trio: title of a/trio',
      'world a-kills: 2 nodes, host-directory (it may kill nodes)',
      '  a/kills: title of a/kills',
      'world b-cut: 2 nodes, proxied (its links run through proxies)',
      '  b/cut: title of b/cut',
      'not run:',
      '  b/cli: needs the cli surface',
    ].join('\n'),
  );
});

test('who needs nodes of another making gets a world of its own, made so, where there is one who makes them', () => {
  const config = { identity_ttl_secs: 3 };
  const scenarios = [one('c/line', { nodes: 3, wiring: 'line' }), one('c/brief', { nodes: 1, config }), one('c/owned', { nodes: 1, human: true })];
  const made = [suite({ name: 'c', title: 'C', requirements: [], scenarios })];
  expect(planRun(made, local).worlds).toMatchObject([
    { name: 'c-line', wiring: 'line', reason: 'its nodes are linked in a line' },
    { name: 'c-brief', config, reason: 'its nodes are configured for it' },
    { name: 'c-owned', human: true, reason: 'its nodes belong to a human' },
  ]);
  expect(planRun(made, remote).worlds).toEqual([]);
});

test('in a world that is dear to boot, one scenario that disturbs it comes last; in a cheap one, none does', () => {
  const large = (nodes: number) => [
    one('d/kills', { nodes, powers: ['kill'] }),
    one('d/calm', { nodes }),
    one('d/cuts', { nodes, powers: ['half-open'] }),
    one('d/line', { nodes, wiring: 'line', powers: ['kill'] }),
  ];
  const worldsOf = (nodes: number, selection?: Parameters<typeof planRun>[2]) =>
    planRun([suite({ name: 'd', title: 'D', requirements: [], scenarios: large(nodes) })], { ...local, maxNodes: 100 }, selection).worlds.map(
      ({ scenarios }) => scenarios.map(({ id }) => id),
    );
  expect(worldsOf(100)).toEqual([['d/calm', 'd/kills'], ['d/cuts'], ['d/line']]);
  expect(worldsOf(99)).toEqual([['d/calm'], ['d/kills'], ['d/cuts'], ['d/line']]);
  expect(worldsOf(100, { grep: 'd/kills' })).toEqual([['d/kills']]);
  const parts = [1, 2].map((index) => worldsOf(100, { shard: { index, of: 2 } }));
  expect(parts.flat(2).toSorted()).toEqual(['d/calm', 'd/cuts', 'd/kills', 'd/line']);
});

test('shards share everything out, each scenario to one, whatever their target can run', () => {
  const parts = [1, 2, 3].map((index) => planRun(suites, local, { shard: { index, of: 3 } }));
  const ran = parts.map(({ worlds }) => worlds.flatMap(({ scenarios }) => scenarios.map(({ id }) => id)));
  expect(ran.flat().toSorted()).toEqual(['a/kills', 'a/pair', 'a/trio', 'b/cut']);
  expect(ran.map((ids) => ids.length)).toEqual([1, 1, 2]);
  expect(parts.map(({ filters }) => filters)).toEqual([['--shard 1/3'], ['--shard 2/3'], ['--shard 3/3']]);
  expect(parts[0]!.notRun.map(({ reason }) => reason)).toContainEqual({ filter: '--shard 1/3' });
  expect(() => planRun(suites, local, { shard: { index: 4, of: 3 } })).toThrow(RangeError);
});

test('selections filter, and every scenario left out has its reason', () => {
  const plan = planRun(suites, local, { suites: ['a'], grep: 'trio' });
  expect(plan.filters).toEqual(['--suite a', '--grep trio']);
  expect(plan.worlds.flatMap(({ scenarios }) => scenarios.map(({ id }) => id))).toEqual(['a/trio']);
  expect(plan.notRun.map(({ reason }) => reason)).toEqual([
    { filter: '--grep trio' }, { filter: '--grep trio' }, { filter: '--suite a' }, { filter: '--suite a' },
  ]); // prettier-ignore
});

test('a target that runs already lacks nodes and powers', () => {
  expect(planRun(suites, remote).notRun.map(({ reason }) => reason)).toEqual([
    { nodes: 2 }, { nodes: 3 }, { nodes: 2 }, { nodes: 2 }, { surface: 'cli' },
  ]); // prettier-ignore
});

test('an unknown suite is named together with the known ones', () => {
  expect(() => planRun(suites, local, { suites: ['c'] })).toThrow(UnknownSuite);
  expect(() => planRun(suites, local, { suites: ['c'] })).toThrow('there is no suite c; there are a, b');
});

test('a selection that leaves nothing to run is refused, a target that can run nothing is not', () => {
  expect(() => planRun(suites, local, { suites: ['a'], grep: 'nope' })).toThrow(NoScenario);
  expect(() => planRun(suites, local, { suites: ['a'], grep: 'nope' })).toThrow('no scenario matches --suite a --grep nope');
  expect(planRun(suites, remote, { suites: ['a'] }).worlds).toEqual([]);
});

test('a scenario must say truly whose it is', () => {
  expect(() => suite({ name: 'c', title: 'C', requirements: [], scenarios: [one('a/pair', { nodes: 1 })] })).toThrow(/no scenario of c/);
  expect(() => one('nonsense', { nodes: 1 })).toThrow(/reads suite\/name/);
});

test('a target address is http://host:port', () => {
  expect(() => remoteTarget([{ url: 'https://example.org/api', token: 'x' }])).toThrow(TargetAddressError);
});
