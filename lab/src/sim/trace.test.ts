import { expect, test } from 'vitest';
import { differingWindow, firstDifference, Trace, type TraceOptions } from './trace.ts';

/** Events of which one is another one, if wanted. */
function traceOf(events: number, other: number | undefined, options: TraceOptions): Trace {
  const trace = new Trace(options);
  for (let event = 1; event <= events; event++) trace.event(event / 4, event === other ? 7 : event % 5);
  return trace;
}

test('however long a run is, its marks take a bounded place and still say where another one began to differ', () => {
  const events = 50_000;
  const maxMarks = 16;
  const one = traceOf(events, undefined, { maxMarks });
  expect(one.marks.length).toBeLessThan(maxMarks);
  expect(differingWindow(one, traceOf(events, undefined, { maxMarks }))).toBeUndefined();
  for (const at of [1, 30_000, events]) {
    for (const marks of [maxMarks, 4 * maxMarks]) {
      const other = traceOf(events, at, { maxMarks: marks });
      const window = differingWindow(one, other)!;
      expect(window.from).toBeLessThanOrEqual(at);
      expect(window.to).toBeGreaterThanOrEqual(at);
      expect(window.to - window.from).toBeLessThan(events / (maxMarks / 4));
      const closer = [undefined, at].map((differs) => traceOf(events, differs, { window })) as [Trace, Trace];
      expect(firstDifference(...closer, window)?.event).toBe(at);
    }
  }
});
