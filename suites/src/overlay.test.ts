import { expect, test } from 'vitest';
import { overlay } from './overlay/index.ts';
import { slowConsumer } from './slow-consumer/index.ts';
import { expectProven, failures, proven, unexercised } from './whole-suite.test-helper.ts';

test('messages reach all who listen across nodes that do not, after a pause too, and hostile neighbours get nowhere', async () => {
  // Thirty nodes want a machine of their own: `muster prove --suite overlay`.
  const report = await proven([overlay], { selection: { grep: '^overlay/(interest|away|hostile)' } });
  expect(failures(report)).toEqual([]);
  // On virtual time, but for what a crowd takes of the memory: see `simulated.test.ts`.
  const lies = ['overlay.roots', 'overlay.swallower', 'overlay.crowd', 'overlay.uneclipsed', 'overlay.repeats', 'overlay.crowd-flat'];
  const thirty = ['overlay.whole', 'overlay.burst', 'overlay.interest', 'overlay.healed', 'overlay.unmissed'];
  expect(unexercised([report], [overlay])).toEqual([...lies, ...thirty]);
}, 120_000);

test('what a crowd says does not fill the memory of a daemon', async () => {
  const report = await proven([overlay], { selection: { grep: '^overlay/eclipse' } });
  expect(failures(report)).toEqual([]);
  expect(unexercised([report], [overlay])).not.toContain('overlay.crowd-flat');
}, 120_000);

test('who does not read costs nobody else anything, and is told what it lost', async () => {
  await expectProven([slowConsumer]);
}, 120_000);
