import { expect, test } from 'vitest';
import { defence } from './defence/index.ts';
import { durability } from './durability/index.ts';
import { links } from './links/index.ts';
import { expectProven, failures, proven, unexercised } from './whole-suite.test-helper.ts';

test('what was acknowledged outlives kill -9 and restarts, and each requirement is really exercised', async () => {
  const report = await expectProven([durability]);
  expect(report.faults.length).toBeGreaterThanOrEqual(7);
  for (const { id, stages } of report.faults) expect(stages, id).toHaveProperty('bit');
}, 60_000);

test('a peer that breaks the rules gets nowhere', async () => {
  const report = await proven([defence], { selection: { grep: '^defence/(?!silence)' } });
  expect(failures(report)).toEqual([]);
  expect(unexercised([report], [defence])).toEqual(['defence.silence']);
}, 60_000);

test('lost, paused and half-open peers are noticed in time and healed, and of two links one stays', async () => {
  // They mostly wait, and so wait together.
  const ids = ['links/simultaneous', 'links/paused', 'links/half-open'];
  const reports = await Promise.all(ids.map((id) => proven([links], { selection: { grep: `^${id} ` } })));
  expect(reports.flatMap(failures)).toEqual([]);
}, 120_000);

test('nodes find each other, at new ports too, work alone, and keep to their network', async () => {
  const report = await proven([links], { selection: { grep: '^links/(alone|late-joiner|isolation|killed|order)' } });
  expect(failures(report)).toEqual([]);
  expect(unexercised([report], [links])).toEqual(['links.one-link', 'links.half-open-noticed', 'links.paused-noticed']);
}, 60_000);
