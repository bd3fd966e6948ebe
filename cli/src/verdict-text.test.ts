import type { Verdict } from '@muster/proof';
import { expect, test } from 'vitest';
import { verdictLines } from './verdict-text.ts';

type Row = Verdict['rows'][number];

function rowOf(id: string, more: Partial<Row>): Row {
  const row = { requirement: 'r', level: 'MUST', status: 'pass', message: '', evidence: [], attempts: 1, duration: 0, exercised: true, needsFaults: [] } as const; // prettier-ignore
  return { id, ...row, ...more };
}

test('says what was not run apart from what did not pass, and nothing about what nobody asked for', () => {
  const rows = [
    rowOf('a/ok', {}),
    rowOf('a/bad', { status: 'fail', blame: 'target', message: '1 is not 2' }),
    rowOf('b/cli', { status: 'notrun', blame: 'lab', message: 'needs the cli surface' }),
    rowOf('c/left', { status: 'notrun', filteredOut: true, message: 'whatever it is called' }),
  ];
  const verdict = { outcome: 'failed', summary: 'sum', rows } as unknown as Verdict;
  const text = verdictLines(verdict).join('\n');
  expect(text).toMatch(/^failed: sum\nblame: target 1\n/);
  expect(text).toMatch(/\nWHY +NOT RUN\nneeds the cli surface +b\/cli$/);
  expect(text).not.toContain('c/left');
  const many = ['a/1', 'a/2', 'b/1', 'b/2', 'b/3'].map((id) =>
    rowOf(`${id}/completed`, { status: 'notrun', blame: 'lab', message: 'needs 9 nodes' }),
  );
  expect(verdictLines({ ...verdict, rows: many } as Verdict).join('\n')).toMatch(/\nneeds 9 nodes +2 of a, 3 of b$/);
  expect(verdictLines(verdict, rows).join('\n')).toContain('whatever it is called');
});
