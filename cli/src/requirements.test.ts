import { planRun, scenario, suite, type Target } from '@muster/lab';
import { expect, test } from 'vitest';
import { requirementRows } from './requirements.ts';

const target: Target = {
  implementation: 'x',
  maxNodes: 3,
  powers: ['world'],
  surfaces: ['rest'],
  open: () => Promise.reject(new Error('never opened')),
};
const drive = async () => undefined;
const required = (id: string, excluded?: string) => ({ id, text: `${id} holds.`, ...(excluded !== undefined && { excluded }) });
const suites = [
  suite({
    name: 'a',
    title: 'A',
    requirements: [required('a.one'), required('a.killed'), required('a.forgotten'), required('a.waived', 'no node can tell')],
    scenarios: [
      scenario({ id: 'a/first', title: 'first', requirements: ['a.one', 'a.killed'], needs: { nodes: 9 }, phases: { drive } }),
      scenario({ id: 'a/second', title: 'second', requirements: ['a.one'], needs: { nodes: 1 }, phases: { drive } }),
    ],
  }),
];

test('each requirement is tested, untested or excluded, with the reason, its scenarios and its latest checks', () => {
  const result = (runId: string, check: string, status: 'pass' | 'fail') => ({ runId, check, status, requirement: 'a.one', message: '', ms: 1 });
  const rows = requirementRows(suites, planRun(suites, target), [
    result('new', 'a/second/x', 'pass'),
    result('old', 'a/second/x', 'fail'),
    result('old', 'a/second/y', 'fail'),
  ]);
  expect(rows.map(({ requirement, state, reason }) => [requirement, state, reason])).toEqual([
    ['a.one', 'tested', undefined],
    ['a.killed', 'untested', 'a/first needs 9 nodes'],
    ['a.forgotten', 'untested', 'no scenario exercises it'],
    ['a.waived', 'excluded', 'no node can tell'],
  ]);
  expect(rows[0]).toMatchObject({ scenarios: ['a/first', 'a/second'], checks: [{ check: 'a/second/x', status: 'pass' }, { check: 'a/second/y', status: 'fail' }] }); // prettier-ignore
});
