import { describe, expect, it } from 'vitest';
import { claims } from '../claims.ts';
import { judgeCheck } from '../evaluate.ts';
import { TestJournal } from '../journal.test-helper.ts';
import type { Json } from '../json.ts';

type Done = { type: 'ok' | 'fail' | 'info'; status?: number; output?: Json; error?: Json };

function judged(left: Done, right: Done, volatile: readonly string[] = []) {
  const journal = new TestJournal().begin();
  journal.operation('alice', 'contacts.list', {}, left, 'rest');
  journal.operation('alice', 'contacts.list', {}, right, 'cli');
  const ids = journal.lines.flatMap((line) => (line.type === 'invoke' ? [line.id] : []));
  const { status, message } = judgeCheck(journal.check('a/b/1', claims.sameAnswer(ids[0]!, ids[1]!, volatile)), journal.lines);
  return { status, message };
}

const ok = (output: Json, status = 200): Done => ({ type: 'ok', status, output });
const no = (output: Json, status = 404): Done => ({ type: 'fail', status, output });

describe('same-answer', () => {
  it.each<[string, Done, Done, readonly string[]]>([
    ['equal but for ok and the exit code', ok({ ok: true, a: [1] }), ok({ a: [1] }, 0), []],
    ['equal but for a volatile field', ok({ a: 1, seen: 5 }), ok({ a: 1, seen: 6 }), ['seen']],
    ['equal but for a volatile field that one has not', ok({ a: 1 }), ok({ a: 1, seen: 6 }), ['seen']],
    ['equal but for a field of each item', ok({ all: [{ id: 1, at: 2 }] }), ok({ all: [{ id: 1, at: 3 }] }), ['all.at']],
    ['two texts that may say anything', ok('a 1'), ok('a 2'), ['*']],
    ['a text and a text with a line break', ok('text'), ok('text\n'), []],
    ['nothing and nothing but ok', ok('', 204), ok({ ok: true }, 0), []],
    ['refused alike, as JSON', no({ ok: false, error: 'no' }), no({ ok: false, error: 'no' }, 1), []],
    ['refused alike, as text', no('no such field', 422), no({ ok: false, error: 'no such field' }, 1), []],
  ])('passes: %s', (_, left, right, volatile) => expect(judged(left, right, volatile)).toMatchObject({ status: 'pass' }));

  it.each<[string, Done, Done, readonly string[], string]>([
    ['another value', ok({ a: { b: [1, 2] } }), ok({ a: { b: [1, 3] } }), [], 'a.b.1: 2 is not 3'],
    ['a field that one has not', ok({ a: 1 }), ok({}), [], 'a: 1 is not nothing'],
    ['a field beside the volatile one', ok({ all: [{ id: 1, at: 2 }] }), ok({ all: [{ id: 2, at: 3 }] }), ['all.at'], 'all.0.id: 1 is not 2'],
    ['a text in place of an object', ok('a'), ok({}), ['*'], '"string" is not "object"'],
    ['done here, refused there', ok({}), no({ ok: false, error: 'no' }), [], 'rest did it, and cli said fail'],
    ['another reason', no({ ok: false, error: 'no' }), no({ ok: false, error: 'never' }), [], 'error: "no" is not "never"'],
    ['a detail that one leaves out', no({ ok: false, error: 'no', detail: 'x' }), no({ ok: false, error: 'no' }), [], 'detail: "x" is not nothing'],
    ['no answer at all', { type: 'info', error: 'late' }, { type: 'info', error: 'late' }, [], 'neither is known'],
  ])('fails: %s', (_, left, right, volatile, why) => {
    expect(judged(left, right, volatile)).toMatchObject({ status: 'fail', message: expect.stringContaining(why) as string });
  });
});

describe('answered', () => {
  const wanted = [
    { op: 'status.get', surface: 'rest' },
    { op: 'status.get', surface: 'cli' },
  ];
  function judgedOf(...operations: [surface: 'rest' | 'cli', type: Done['type']][]) {
    const journal = new TestJournal().begin();
    for (const [surface, type] of operations) journal.operation('alice', 'status.get', {}, { type }, surface);
    return judgeCheck(journal.check('a/b/1', claims.answered(wanted)), journal.lines);
  }

  it('names what was never done, and does not count what was refused', () => {
    expect(judgedOf(['rest', 'ok'], ['cli', 'ok'])).toMatchObject({ status: 'pass' });
    expect(judgedOf(['rest', 'ok'], ['cli', 'fail'])).toMatchObject({ status: 'fail', message: '1 of 2 never answered: status.get by cli' });
    expect(judgedOf(['rest', 'info'])).toMatchObject({ status: 'fail', message: '2 of 2 never answered: status.get by rest, status.get by cli' });
  });
});
