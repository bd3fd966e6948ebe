import type { FaultKind } from '@muster/lab';
import { expect, test } from 'vitest';
import { chaos } from './chaos/index.ts';
import { expectProven, failures, proven, simulated } from './whole-suite.test-helper.ts';

test('nothing acknowledged is lost in a storm, and each requirement is really exercised', async () => {
  await expectProven([chaos()], { settings: { duration: 1 } });
}, 120_000);

test('each part of a network is seen to go on, also who is alone', async () => {
  const nodes = ['alice', 'bob', 'carol', 'dave'];
  const faults = [
    { at_ms: 0, for_ms: 500, kind: 'partition-halves', on: nodes },
    { at_ms: 1_500, for_ms: 500, kind: 'partition-single', on: nodes },
  ] as const;
  const report = await simulated([chaos({ schedule: { nodes, faults } })]);
  expect(failures(report)).toEqual([]);
  const served = report.verdict.rows.flatMap(({ id }) => /(\d)-.*\/serves\/(\w+)$/u.exec(id)?.slice(1).join(' ') ?? []);
  expect(served.toSorted()).toEqual([1, 2].flatMap((round) => nodes.map((name) => `${round} ${name}`)));
});

test('daemons go through wrong clocks, slow disks and full ones; a fault that cannot be made with daemons leaves open what it was to show, and nothing else', async () => {
  const kinds: readonly FaultKind[] = ['clock-skew', 'disk-slow', 'disk-full', 'power-loss'];
  const faults = kinds.map((kind, index) => ({ at_ms: 300 * index, for_ms: 200, kind, on: ['bob'] }));
  const schedule = { nodes: ['alice', 'bob'], faults, load: { publish_every_ms: 100, send_every_ms: 100 } };
  const report = await proven([chaos({ schedule })]);
  const reached = report.faults.map(({ kind, stages }) => [kind, ...Object.keys(stages)]);
  const all = ['requested', 'applied', 'bit', 'healed', 'heal_seen'];
  expect(reached).toEqual([
    ['clock-skew', ...all],
    ['disk-slow', ...all],
    ['disk-full', ...all],
    ['power-loss', 'requested'],
  ]);
  const open = (what: string): unknown =>
    expect.stringMatching(new RegExp(`power-loss/${what} inconclusive: fault chaos/storm/power-loss-4 was refused: `, 'u'));
  expect(failures(report)).toEqual([open('serves/alice'), open('converges')]);
  expect(report.verdict).toMatchObject({ outcome: 'inconclusive', exitCode: 2, blame: 'lab' });
}, 120_000);
