import { describe, expect, it } from 'vitest';
import { claims } from '../claims.ts';
import { judgeCheck } from '../evaluate.ts';
import { TestJournal } from '../journal.test-helper.ts';
import type { Json } from '../json.ts';

const nodes = ['alice', 'bob'];
const set = claims.setConverged({
  adds: { operations: { op: 'tasks.add' }, key: '/input/id' },
  removes: { operations: { op: 'tasks.remove' }, key: '/input/id' },
  reads: { operations: { op: 'tasks.list' }, items: '/output/tasks', item: '/id' },
  nodes,
});
const register = claims.registerConverged({
  writes: { operations: { op: 'store.put' }, key: '/input/key', value: '/input/value' },
  deletes: { operations: { op: 'store.delete' }, key: '/input/key' },
  reads: { operations: { op: 'store.get' }, key: '/input/key', value: '/output/value', absent: { at: '/status', equals: 404 } },
  nodes,
});

type Step = readonly [process: string, op: string, input: Json, type: 'ok' | 'fail' | 'info', output?: Json];

function judged(claim: typeof set, steps: readonly Step[]) {
  const journal = new TestJournal().begin();
  for (const [process, op, input, type, output] of steps) {
    const status = type === 'fail' ? { status: 404 } : {};
    journal.operation(process, op, input, { type, ...status, ...(output !== undefined && { output }) });
  }
  return judgeCheck(journal.check('a/b/1', claim), journal.lines);
}

const add = (process: string, id: string, type: 'ok' | 'fail' | 'info' = 'ok'): Step => [process, 'tasks.add', { id }, type];
const remove = (process: string, id: string): Step => [process, 'tasks.remove', { id }, 'ok'];
const list = (process: string, ...ids: string[]): Step => [process, 'tasks.list', null, 'ok', { tasks: ids.map((id) => ({ id })) }];
const both = (...ids: string[]) => nodes.map((node) => list(node, ...ids));

describe('set-converged', () => {
  it.each<[string, string, readonly Step[]]>([
    ['everything is there', 'pass', [add('alice', 'x'), add('bob', 'y'), ...both('y', 'x')]],
    ['what was removed is gone', 'pass', [add('alice', 'x'), remove('bob', 'x'), ...both()]],
    ['what nobody knows may go either way', 'pass', [add('alice', 'x', 'info'), ...both()]],
    ['what nobody knows may be there', 'pass', [add('alice', 'x', 'info'), ...both('x')]],
    ['an acknowledged add is lost', 'fail', [add('alice', 'x'), add('bob', 'y'), ...both('y')]],
    ['a delete is undone', 'fail', [add('alice', 'x'), remove('bob', 'x'), ...both('x')]],
    ['a refused add is there', 'fail', [add('alice', 'x', 'fail'), add('bob', 'y'), ...both('x', 'y')]],
    ['something comes from nowhere', 'fail', [add('alice', 'x'), ...both('x', 'z')]],
    ['nodes differ', 'fail', [add('alice', 'x', 'info'), list('alice', 'x'), list('bob')]],
    ['only the last read counts', 'pass', [list('alice'), add('alice', 'x'), ...both('x')]],
    ['a node was never asked', 'inconclusive', [add('alice', 'x'), list('alice', 'x')]],
    ['it was read too early', 'inconclusive', [list('bob', 'x'), add('alice', 'x'), list('alice', 'x')]],
    ['nothing was written', 'unverified', both()],
  ])('%s: %s', (_, status, steps) => {
    expect(judged(set, steps)).toMatchObject({ status });
  });

  it('names what is wrong, where', () => {
    expect(judged(set, [add('alice', 'x'), add('bob', 'y'), list('alice', 'x', 'y'), list('bob', 'y')]).message).toContain('"x lost at bob');
  });
});

const put = (process: string, value: string, type: 'ok' | 'info' = 'ok'): Step => [process, 'store.put', { key: 'k', value }, type];
const drop = (process: string): Step => [process, 'store.delete', { key: 'k' }, 'ok'];
const get = (process: string, value?: string): Step =>
  value === undefined ? [process, 'store.get', { key: 'k' }, 'fail'] : [process, 'store.get', { key: 'k' }, 'ok', { value }];
const all = (value?: string) => nodes.map((node) => get(node, value));

describe('register-converged', () => {
  it.each<[string, string, readonly Step[]]>([
    ['the last value stands', 'pass', [put('alice', '1'), put('bob', '2'), ...all('2')]],
    ['an acknowledged write is lost', 'fail', [put('alice', '1'), put('bob', '2'), ...all('1')]],
    ['a deleted value is gone', 'pass', [put('alice', '1'), drop('bob'), ...all()]],
    ['a delete is undone', 'fail', [put('alice', '1'), drop('bob'), ...all('1')]],
    ['an unanswered write may stand', 'pass', [put('alice', '1'), put('bob', '2', 'info'), ...all('2')]],
    ['nodes differ', 'fail', [put('alice', '1'), put('bob', '2', 'info'), get('alice', '1'), get('bob', '2')]],
    ['a value comes from nowhere', 'fail', [put('alice', '1'), ...all('9')]],
    ['a node was never asked', 'inconclusive', [put('alice', '1'), get('alice', '1')]],
  ])('%s: %s', (_, status, steps) => {
    expect(judged(register, steps)).toMatchObject({ status });
  });

  it('lets writes of different nodes stand side by side where only a node’s own order counts', () => {
    const { params } = register as { params: Record<string, Json> };
    const byProcess = { ...register, params: { ...params, order: 'process' } };
    const steps = [put('alice', '1'), put('bob', '2'), ...all('1')];
    expect([judged(register, steps).status, judged(byProcess, steps).status]).toEqual(['fail', 'pass']);
  });
});
