import type { CheckResult } from '@muster/proof';
import { expect, test } from 'vitest';
import { renderProgress } from './progress.ts';
import type { PlannedWorld } from './plan.ts';
import { scenario } from './scenario.ts';

const one = scenario({ id: 'a/one', title: 'one', requirements: [], needs: { nodes: 2 }, phases: { drive: async () => undefined } });
const world: PlannedWorld = { name: 'shared', nodes: 2, wiring: 'host-directory', scenarios: [one], reason: 'none' };
const result = (status: CheckResult['status']) => ({ status, message: 'expected 200' }) as CheckResult;

function render(isTTY: boolean, columns = 20): string {
  let text = '';
  using progress = renderProgress({ isTTY, columns, write: (part) => (text += part) });
  progress.on({ type: 'planned', plan: { worlds: [world], notRun: [], filters: [] }, seed: '7' });
  progress.on({ type: 'booting', world });
  progress.on({ type: 'booted', world, bootMs: 1234 });
  progress.on({ type: 'begun', scenario: one });
  progress.on({ type: 'checked', scenario: one, check: '1', result: result('pass') });
  progress.on({ type: 'checked', scenario: one, check: '2', result: result('fail') });
  progress.on({ type: 'ended', scenario: one, outcome: 'complete', ms: 40 });
  return text;
}

test('a pipe gets plain lines, and only what is worth one', () => {
  expect(render(false)).toBe(
    ['1 scenario in 1 world, seed 7', '  shared: 2 nodes up in 1.2 s', '    fail a/one/2: expected 200', '✗ a/one  2 checks  40 ms', ''].join('\n'),
  );
});

test('a terminal gets a living line that never wraps and is gone in the end', () => {
  const text = render(true);
  expect(text).toContain('… a/one  1 check');
  for (const drawn of text
    .replaceAll('\r\u001b[2K', '\n')
    .split('\n')
    .filter((part) => part.startsWith('…')))
    expect(drawn.length).toBeLessThan(20);
  expect(text.endsWith('✗ a/one  2 checks  40 ms\n')).toBe(true);
});

test('a terminal that does not tell its width loses no character', () => {
  expect(render(true, 0)).toContain('… a/one  1 check\r');
});
