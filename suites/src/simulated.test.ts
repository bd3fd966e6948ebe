import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prove, type Schedule, simulatedTarget } from '@muster/lab';
import { type JournalLine, signerFromSeed } from '@muster/proof';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { suitesFor } from './index.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'muster-simulated-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

interface RunOptions {
  readonly realCrypto?: boolean;
  readonly settings?: Record<string, number>;
  readonly grep?: string;
  readonly schedule?: Schedule;
}

async function run(
  name: string,
  seed: string,
  suites: readonly string[],
  { realCrypto = false, settings = { messages: 20 }, grep, schedule }: RunOptions = {},
) {
  const target = simulatedTarget({ seed, realCrypto });
  const { report, bundle } = await prove({
    suites: suitesFor({ nodes: settings['nodes'], schedule }),
    selection: { suites, ...(grep !== undefined && { grep }) },
    target,
    out: join(folder, name),
    runner: signerFromSeed(new Uint8Array(32).fill(7)),
    seed,
    tool: { name: 'test', version: '0' },
    reproduce: `muster prove --world sim --seed ${seed}`,
    settings,
  });
  const journal = await readFile(join(bundle, 'data/journal.jsonl'));
  const lines = journal.toString().trimEnd().split('\n').map((line) => JSON.parse(line) as JournalLine); // prettier-ignore
  const digest = createHash('sha256').update(journal).digest('hex');
  return {
    verdict: report.verdict,
    digest,
    trace: target.simulation.trace.hash,
    started: lines[0] as unknown as { replay: { level: string } },
    lines,
    faults: report.faults,
  };
}

const ALIVE = ['smoke', 'mesh', 'stress'];

test('the suites pass on virtual time, and a seed gives the same evidence to the last byte', async () => {
  const one = await run('one', '7', ALIVE);
  expect(one.verdict.exitCode).toBe(0);
  expect(one.verdict.counts.pass).toBeGreaterThan(300);
  expect(one.started.replay.level).toBe('L4');
  const again = await run('again', '7', ALIVE);
  expect([again.digest, again.trace]).toEqual([one.digest, one.trace]);
  const other = await run('other', '8', ['mesh']);
  expect(other.verdict.exitCode).toBe(0);
  expect(other.trace).not.toBe(one.trace);
});

test('nodes that are killed, stopped and paused on virtual time keep what they acknowledged', async () => {
  const { verdict } = await run('faults', '7', ['durability', 'links', 'discovery', 'presence', 'routes']);
  expect(verdict.exitCode).toBe(0);
  expect(verdict.counts.pass).toBeGreaterThan(150);
}, 180_000);

test('scripted peers link to simulated nodes, and are seen through as by real ones', async () => {
  const { verdict } = await run('hostile', '7', ['defence']);
  expect(verdict.exitCode).toBe(0);
  expect(verdict.counts.pass).toBeGreaterThan(70);
});

test('neighbours that lie about roots, swallow, or come in crowds cost nobody a message', async () => {
  const { verdict } = await run('lies', '7', ['overlay'], { settings: {}, grep: '^overlay/(roots|eclipse)' });
  expect(verdict.exitCode).toBe(0);
  expect(verdict.counts.pass).toBeGreaterThan(20);
}, 120_000);

test('a storm on virtual time loses nothing, and is the same storm again', async () => {
  const options = { settings: { duration: 5 } };
  const [one, again] = [await run('storm', '7', ['chaos'], options), await run('storm-again', '7', ['chaos'], options)];
  expect(one.verdict.exitCode).toBe(0);
  expect([again.digest, again.trace]).toEqual([one.digest, one.trace]);
}, 120_000);

test('what was pushed just before one direction was cut is asked for afterwards', async () => {
  const [from, to] = ['erin', 'grace'];
  const schedule: Schedule = {
    nodes: [from, to],
    faults: [{ at_ms: 0, for_ms: 14_000, kind: 'partition-one-way', on: [from, to] }],
    operations: [{ at_ms: 0, do: 'publish', node: from }],
  };
  for (const seed of ['7', '8']) {
    const { verdict } = await run(`one-way-${seed}`, seed, ['chaos'], { settings: {}, schedule });
    expect([verdict.exitCode, verdict.counts.fail]).toEqual([0, 0]);
  }
});

test('each decision of a bad path, and each stage of a fault, is in the evidence', async () => {
  const nodes = ['alice', 'bob', 'carol'];
  const faults = [{ at_ms: 0, for_ms: 1_500, kind: 'bad-paths', on: ['bob'] }] as const;
  const { verdict, lines, faults: told } = await run('bad-paths', '7', ['chaos'], { settings: {}, schedule: { nodes, faults } });
  expect(verdict.exitCode).toBe(0);
  expect(told.map(({ stages }) => Object.keys(stages))).toEqual([['requested', 'applied', 'bit', 'healed', 'heal_seen']]);
  const shaped = lines.flatMap((line) => (line.type === 'observe' && line.stream === 'shaper' ? [[line.event, line.data] as const] : []));
  expect([...new Set(shaped.map(([way]) => way))].toSorted()).toEqual(['alice→bob', 'bob→alice', 'bob→carol', 'carol→bob']);
  // Number, bytes, ms of delay, segments lost, overtaken, doubled.
  for (const [, decision] of shaped) expect(decision).toMatch(/^\d+ \d+ \d+\.\d{3} \d+ 0 0$/u);
  const [healed] = lines.flatMap((line) =>
    line.type === 'fault' && line.stage === 'healed' ? [line.evidence as Record<string, { chunks: number }>] : [],
  );
  expect(shaped.length).toBe(Object.values(healed!).reduce((sum, { chunks }) => sum + chunks, 0));
});

test('paths are as bad as is written, no better and no worse, and how bad stands in the journal', async () => {
  const quality = { delay_ms: 20, jitter_ms: 0, loss: 0.05, reordering: 0.2, duplication: 0.1, bytes_per_second: 1_000_000 };
  const schedule: Schedule = {
    nodes: ['alice', 'bob'],
    faults: [{ at_ms: 0, for_ms: 3_000, kind: 'bad-paths', quality }],
    load: { publish_every_ms: 25, send_every_ms: 500 },
  };
  const { verdict, lines } = await run('quality', '7', ['chaos'], { settings: {}, schedule });
  expect(verdict.exitCode).toBe(0);
  const drawn = lines.find((line) => line.type === 'observe' && line.stream === 'schedule');
  expect(drawn).toMatchObject({ data: { faults: [{ kind: 'bad-paths', quality }] } });
  const conditions = { delayMs: 20, jitterMs: 0, loss: 0.05, reordering: 0.2, duplication: 0.1, bytesPerSecond: 1_000_000 };
  expect(lines.find((line) => line.type === 'fault' && line.stage === 'applied')).toMatchObject({ evidence: { conditions } });

  const shaped = lines.flatMap((line) => (line.type === 'observe' && line.stream === 'shaper' ? [(line.data as string).split(' ').map(Number)] : []));
  for (const [, , ms, lost, overtaken] of shaped) {
    if (lost === 0) expect(ms).toBeLessThan(60);
    if (lost === 0 && overtaken === 0) expect(ms).toBe(20);
    else expect(ms).toBeGreaterThan(20);
  }
  // A segment is 1,460 bytes.
  const segments = shaped.reduce((sum, [, bytes]) => sum + Math.ceil(bytes! / 1_460), 0);
  const happened = (column: number): number => shaped.reduce((sum, decision) => sum + decision[column]!, 0);
  expect(segments).toBeGreaterThan(1_000);
  for (const [column, share] of [
    [3, quality.loss],
    [4, quality.reordering],
    [5, quality.duplication],
  ] as const) {
    // Four standard deviations of so many draws.
    expect(Math.abs(happened(column) - segments * share), `column ${column}`).toBeLessThan(4 * Math.sqrt(segments * share * (1 - share)));
  }
});

test('with one node in ten lying, the others miss nothing, and whoever forges is cut off', async () => {
  const { verdict } = await run('liars', '7', ['byzantine'], { settings: { nodes: 15 } });
  expect(verdict.exitCode).toBe(0);
  expect(verdict.counts.pass).toBeGreaterThanOrEqual(18);
}, 120_000);

test('nodes that go and come back by turns cost those that stay no message, and are part of the network again', async () => {
  const { verdict } = await run('churn', '7', ['scale'], { settings: { nodes: 9 }, grep: '^scale/churn' });
  expect(verdict.exitCode).toBe(0);
  expect(verdict.counts.pass).toBeGreaterThanOrEqual(12);
}, 120_000);

test('with real cryptography the same things happen', async () => {
  const [one, again] = [await run('real', '7', ['mesh'], { realCrypto: true }), await run('real-again', '7', ['mesh'], { realCrypto: true })];
  expect([one.verdict.exitCode, one.started.replay.level]).toEqual([0, 'L3']);
  expect(again.trace).toBe(one.trace);
});
