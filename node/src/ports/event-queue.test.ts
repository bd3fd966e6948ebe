import { assert, asyncProperty, constant, integer, nat, oneof, array, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';

describe('an event queue', () => {
  it('hands over in order, to a reader that waits and to one that comes late', async () => {
    const queue = new EventQueue<number>(10);
    queue.push(1);
    const reader = queue[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: 1 });
    const next = reader.next();
    queue.push(2);
    expect(await next).toEqual({ done: false, value: 2 });
  });

  it('ends a waiting reader when it is closed, and forgets what waited', async () => {
    const queue = new EventQueue<number>(10);
    const next = queue[Symbol.asyncIterator]().next();
    queue.close();
    queue.push(3);
    expect(await next).toEqual({ done: true, value: undefined });
    expect(queue.size).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a capacity of %s', (capacity) => {
    expect(() => new EventQueue(capacity)).toThrow(RangeError);
  });

  it('loses only the oldest, tells of each, and never holds more than its capacity', async () => {
    const step = oneof(record({ push: integer({ min: 1, max: 3_000 }) }), record({ read: nat({ max: 50 }) }), constant({ read: 1 }));
    await assert(
      asyncProperty(integer({ min: 1, max: 2_000 }), array(step, { maxLength: 12 }), async (capacity, steps) => {
        const lost: number[] = [];
        const queue = new EventQueue<number>(capacity, (event) => lost.push(event));
        const reader = queue[Symbol.asyncIterator]();
        let model: number[] = [];
        let next = 0;
        const modelLost: number[] = [];
        for (const todo of steps) {
          if ('push' in todo) {
            for (let count = 0; count < todo.push; count++) {
              queue.push(next);
              model.push(next++);
            }
            modelLost.push(...model.slice(0, Math.max(0, model.length - capacity)));
            model = model.slice(-capacity);
          } else {
            for (const expected of model.splice(0, todo.read)) expect((await reader.next()).value).toBe(expected);
          }
          expect(queue.size).toBe(model.length);
          expect(queue.dropped).toBe(lost.length);
        }
        expect(lost).toEqual(modelLost);
      }),
      { seed: 20261121, numRuns: 100 },
    );
  });

  it('counts what it drops without a listener', () => {
    const queue = new EventQueue<number>(2);
    for (let n = 0; n < 5; n++) queue.push(n);
    expect([queue.size, queue.dropped]).toEqual([2, 3]);
  });

  it('bounds what waits by weight too, and always takes one event', async () => {
    const lost: number[] = [];
    const queue = new EventQueue<number>(10, (event) => lost.push(event), { of: (event) => event, most: 10 });
    for (const weight of [4, 5, 1, 3]) queue.push(weight);
    expect([lost, queue.size]).toEqual([[4], 3]);
    queue.push(99);
    expect([lost, queue.size]).toEqual([[4, 5, 1, 3], 1]);
    const reader = queue[Symbol.asyncIterator]();
    expect((await reader.next()).value).toBe(99);
    for (const weight of [5, 5]) queue.push(weight);
    expect(queue.size).toBe(2);
  });
});
