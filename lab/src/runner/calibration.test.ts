import { claims, type JournalEntry, JournalWriter } from '@muster/proof';
import { expect, test } from 'vitest';
import { type LabClock, systemClock } from '../clock.ts';
import { Recorder } from '../record/recorder.ts';
import { calibrate, calibrationsFor, offeredRate } from './calibration.ts';

interface Measured {
  readonly wanted?: number;
  readonly measured: number;
  readonly within: readonly [number | null, number | null];
  readonly ok: boolean;
}

async function measured(options: {
  clock?: LabClock;
  paths?: boolean;
  rate?: number;
}): Promise<{ all: Record<string, Measured>; recorder: Recorder }> {
  const all: Record<string, Measured> = {};
  const onLine = (line: JournalEntry): void => {
    if (line.type !== 'calibration') return;
    const { name, within, measured: value, wanted } = line;
    const [low, high] = within;
    all[name] = { ...(wanted !== undefined && { wanted }), measured: value, within, ok: value >= (low ?? -Infinity) && value <= (high ?? Infinity) };
  };
  const sink = { append: () => undefined, flush: async () => undefined };
  const recorder = new Recorder(new JournalWriter({ sink, elapsed: () => performance.now(), onLine }));
  await calibrate(recorder, { clock: systemClock, seed: '7', paths: false, rate: 0, ...options });
  return { all, recorder };
}

/** The status and blame of a deadline that was kept, when the lab calibrated itself by this clock. */
async function judgedBy(clock: LabClock): Promise<string> {
  const { recorder } = await measured({ clock });
  const line = recorder.observe('lab', 'test', 'done', { ms: 3 });
  const claim = claims.atMost({ seq: line.seq, at: '/data/ms' }, 5, 'ms');
  const result = recorder.check({
    id: 'a/b',
    requirement: 'r',
    level: 'MUST',
    claim,
    range: [line.seq, line.seq],
    needsCalibrations: calibrationsFor(claim, []),
  });
  return `${result?.status} ${result?.blame ?? ''}`.trim();
}

test('what the lab makes is what was wanted, and both are recorded', async () => {
  const { all } = await measured({ paths: true });
  expect(Object.entries(all).filter(([, { ok }]) => !ok)).toEqual([]);
  expect(all).toMatchObject({
    'path-round-trip': { wanted: 40 },
    'path-rate': { wanted: 1_000_000 },
    'path-loss': { wanted: 0.2 },
    'generator-rate': { wanted: 20_000 },
  });
  expect(all['path-round-trip']!.measured).toBeGreaterThanOrEqual(39);
});

test('a run measures only what it depends on', async () => {
  expect(Object.keys((await measured({})).all).toSorted()).toEqual(['clock-step', 'generator-rate', 'loopback-round-trip', 'timer-overshoot']);
  expect(calibrationsFor(claims.atMost(1, 2, 'ms'), ['a/bad-paths-1'])).toEqual(
    expect.arrayContaining(['clock-step', 'generator-rate', 'path-loss', 'path-rate', 'path-round-trip']),
  );
  expect(calibrationsFor(claims.atMost(1, 2, 'bytes'), ['a/kill-1'])).toEqual([]);
});

test('the generator must manage what a run offers at most: the rate for each node of its largest world', async () => {
  const rate = offeredRate({ rate: 15_000 }, [{ nodes: 2 }, { nodes: 3 }]);
  expect(rate).toBe(45_000);
  const { 'generator-rate': generator } = (await measured({ rate })).all;
  expect(generator).toMatchObject({ wanted: 90_000, within: [45_000, null] });
  const unasked = (await measured({ rate: offeredRate({}, [{ nodes: 3 }]) })).all['generator-rate'];
  expect(unasked).toMatchObject({ wanted: 20_000, within: [100, null] });
});

test('nobody is judged by a clock that is off, nor by a machine that is late', async () => {
  expect(await judgedBy(systemClock)).toBe('pass');
  let calls = 0;
  expect(await judgedBy({ ...systemClock, now: () => Date.now() + 1_000 * calls++ })).toBe('inconclusive lab');
  expect(await judgedBy({ ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms + 120, signal) })).toBe('inconclusive lab');
});
