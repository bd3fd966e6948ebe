import type { FaultKind } from '@muster/lab';
import { expect, test } from 'vitest';
import { chaos } from './chaos/index.ts';
import { expectProven, failures, proven } from './whole-suite.test-helper.ts';

test('nothing acknowledged is lost in a storm, and each requirement is really exercised', async () => {
  await expectProven([chaos()], { settings: { duration: 1 } });
}, 120_000);

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
  expect(failures(report)).toEqual([expect.stringMatching(/power-loss\/converges inconclusive: fault chaos\/storm\/power-loss-4 was refused: /)]);
  expect(report.verdict).toMatchObject({ outcome: 'inconclusive', exitCode: 2, blame: 'lab' });
}, 120_000);
