import { expect, test } from 'vitest';
import { seededRandom } from '../runner/random.ts';
import { drawn, linkConditions, operationsOf, readSchedule, withNodes } from './schedule.ts';

const written = {
  nodes: ['alice', 'bob', 'carol', 'dave'],
  roles: { edge: ['carol', 'dave'] },
  faults: [
    { at_ms: 200, for_ms: 100, kind: 'kill', on: { role: 'edge', select: 'one' } },
    { at_ms: 0, for_ms: 100, kind: 'partition-halves' },
    { at_ms: 400, for_ms: 0, kind: 'pause', on: 'minority' },
    { at_ms: 500, for_ms: 0, kind: 'cut-message', on: ['dave', 'alice'] },
  ],
  operations: [{ at_ms: 50, do: 'send', node: 'alice', to: 'dave' }],
};

test('who suffers is drawn by role, share and name, the same by the same chance, in the order of time', () => {
  const { faults } = drawn(readSchedule(written), seededRandom('1', 'x'));
  expect(faults.map(({ kind, on }) => [kind, on.length])).toEqual([['partition-halves', 4], ['kill', 1], ['pause', 1], ['cut-message', 2]]); // prettier-ignore
  expect(['carol', 'dave']).toContain(faults[1]!.on[0]);
  expect(faults[3]!.on).toEqual(['dave', 'alice']);
  expect(drawn(readSchedule(written), seededRandom('1', 'x')).faults).toEqual(faults);
  // Drawn, it draws nothing any more.
  const again = drawn(readSchedule(JSON.parse(JSON.stringify({ ...written, faults }))), seededRandom('2', 'y'));
  expect(again.faults).toEqual(faults);
});

test('how bad paths are is what is written, and as in any storm where nothing is', () => {
  const given = { delay_ms: 5, jitter_ms: 1, loss: 0.1, reordering: 0.2, duplication: 0.3, bytes_per_second: 50_000 };
  const fault = { at_ms: 0, for_ms: 1, kind: 'bad-paths' };
  const { faults } = drawn(readSchedule({ nodes: ['a', 'b'], faults: [fault, { ...fault, quality: given }] }), seededRandom('1', 'x'));
  expect(faults.map(({ quality }) => linkConditions(quality))).toEqual([
    { delayMs: 40, jitterMs: 60, loss: 0.02 },
    { delayMs: 5, jitterMs: 1, loss: 0.1, reordering: 0.2, duplication: 0.3, bytesPerSecond: 50_000 },
  ]);
  expect(linkConditions({ loss: 0.5 })).toEqual({ delayMs: 40, jitterMs: 60, loss: 0.5 });
});

test('a load by rule is operations one by one', () => {
  const load = { publish_every_ms: 100, send_every_ms: 200 };
  const operations = operationsOf({ nodes: ['alice', 'bob', 'carol'], load }, 250);
  expect(operations.filter((one) => one.do === 'publish' && one.node === 'bob').map(({ at_ms: at }) => at)).toEqual([0, 100, 200]);
  expect(operations.filter((one) => one.do === 'send' && one.node === 'alice')).toEqual([
    { at_ms: 0, do: 'send', node: 'alice', to: 'bob' },
    { at_ms: 200, do: 'send', node: 'alice', to: 'carol' },
  ]);
  expect(operations.map(({ at_ms: at }) => at)).toEqual(operations.map(({ at_ms: at }) => at).toSorted((a, b) => a - b));
});

test('without some of its nodes it says nothing of them', () => {
  const less = withNodes(drawn(readSchedule(written), seededRandom('1', 'x')), ['alice', 'bob']);
  expect(less).toMatchObject({ nodes: ['alice', 'bob'], roles: {}, operations: [] });
  for (const { on } of less.faults) for (const name of on) expect(['alice', 'bob']).toContain(name);
  expect(less.faults.map(({ kind }) => kind)).not.toContain('cut-message');
  expect(() => readSchedule(less)).not.toThrow();
});

const withFault = (kind: string, on?: unknown) => ({
  nodes: ['a', 'b', 'c'],
  roles: { all: ['a', 'b', 'c'] },
  faults: [{ at_ms: 0, for_ms: 1, kind, ...(on !== undefined && { on }) }],
});

const withQuality = (quality: unknown, kind = 'bad-paths') => ({ nodes: ['a', 'b'], faults: [{ at_ms: 0, for_ms: 1, kind, quality }] });

test.for([
  ['a path that is later than links bear', withQuality({ delay_ms: 8_001 }), /faults\/0\/quality\/delay_ms: /],
  ['a path of less than no delay', withQuality({ jitter_ms: -1 }), /faults\/0\/quality\/jitter_ms: /],
  ['a path that loses all', withQuality({ loss: 1 }), /faults\/0\/quality\/loss: /],
  ['more than all overtaken', withQuality({ reordering: 1.1 }), /faults\/0\/quality\/reordering: /],
  ['less than nothing twice', withQuality({ duplication: -0.1 }), /faults\/0\/quality\/duplication: /],
  ['a path that carries nothing', withQuality({ bytes_per_second: 0 }), /faults\/0\/quality\/bytes_per_second: /],
  ['a share in words', withQuality({ loss: 'some' }), /faults\/0\/quality\/loss: /],
  ['a misspelt quality', withQuality({ delay: 1 }), /faults\/0\/quality: .*delay/],
  ['a quality of no path', withQuality({ delay_ms: 1 }, 'kill'), /faults\/0\/quality is for bad-paths, not for kill/],
  ['a path that is not bad', withQuality({ delay_ms: 0, jitter_ms: 0, loss: 0 }), /faults\/0\/quality: a path is not bad/],
  ['an order of what takes no time', withQuality({ delay_ms: 0, jitter_ms: 0, reordering: 0.1 }), /faults\/0\/quality\/reordering: .*give delay_ms/],
  ['what comes twice unseen', withQuality({ duplication: 0.1 }), /faults\/0\/quality\/duplication: .*give bytes_per_second/],
  [
    'an amount of nothing',
    { ...written, faults: [{ at_ms: 0, for_ms: 1, kind: 'kill', by_ms: 1 }] },
    /by_ms is for clock-skew and disk-slow, not for kill/,
  ],
  [
    'a drift of no clock',
    { ...written, faults: [{ at_ms: 0, for_ms: 1, kind: 'clock-skew', by_ppm: 1 }] },
    /by_ppm is for clock-drift, not for clock-skew/,
  ],
  ['a clock hardly off', { ...written, faults: [{ at_ms: 0, for_ms: 1, kind: 'clock-skew', by_ms: -3_999 }] }, /off by less than 4000 ms/],
  ['a fast slow disk', { ...written, faults: [{ at_ms: 0, for_ms: 1, kind: 'disk-slow', by_ms: -40 }] }, /takes 1 ms or more/],
  ['no object', 7, /no schedule: .*object/i],
  ['a kind that there is not', { nodes: ['a'], faults: [{ at_ms: 0, for_ms: 1, kind: 'flood' }] }, /faults\/0\/kind/],
  ['a node twice', { nodes: ['a', 'a'], faults: [] }, /twice/],
  ['a stranger among those who suffer', { nodes: ['a'], faults: [{ at_ms: 0, for_ms: 1, kind: 'kill', on: ['b'] }] }, /no node b/],
  ['a stranger among those who send', { nodes: ['a'], faults: [], operations: [{ at_ms: 0, do: 'send', node: 'a', to: 'b' }] }, /no node b/],
  ['a role that there is not', { nodes: ['a'], faults: [{ at_ms: 0, for_ms: 1, kind: 'kill', on: { role: 'x' } }] }, /no role x/],
  ['a link with one end', withFault('half-open', ['a']), /half-open takes 2 nodes, not a$/],
  ['a link of a node with itself', withFault('cut-message', ['b', 'b']), /cut-message takes 2 nodes, not b, b/],
  ['a link of one node drawn', withFault('half-open', 'one'), /half-open takes 2 nodes/],
  ['a ring of three', withFault('partition-ring', ['a', 'b', 'c']), /partition-ring takes 4 nodes/],
  ['a ring of all three that there are', withFault('partition-ring'), /partition-ring takes 4 nodes/],
  ['a bridge in a minority', withFault('partition-bridge', { role: 'all', select: 'minority' }), /partition-bridge takes 3 nodes/],
  ['a misspelt key', { nodes: ['a'], faults: [], operation: [] }, /operation/],
] as const)('refuses %s', ([, data, message]) => {
  expect(() => readSchedule(data)).toThrow(message);
});
