import { type JournalLine, LOGS } from '@muster/proof';
import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { inLines } from '../process/lines.ts';
import { localTarget } from '../targets/local-target.ts';
import { simulatedTarget } from '../targets/simulated-target.ts';
import { fakeDaemon } from '../testing/fake-daemon.ts';
import { memoryRecorder } from '../testing/journals.ts';
import { NodeLogs } from './node-logs.ts';

interface Said {
  readonly text: string;
  readonly left_out?: number;
}

const saidBy = (lines: readonly JournalLine[], node: string): Said[] =>
  lines.flatMap((line) => (line.type === 'observe' && line.stream === LOGS && line.node === node ? [line.data as unknown as Said] : []));

function logs(nodes: number) {
  const { recorder, lines } = memoryRecorder();
  let now = 0;
  const nodeLogs = new NodeLogs({ recorder, clock: { ...systemClock, monotonic: () => now }, nodes });
  return {
    line: nodeLogs.line,
    tellLeftOut: () => nodeLogs.tellLeftOut(),
    recorder,
    said: (node: string) => saidBy(lines, node),
    pass: (ms: number) => void (now += ms),
  };
}

test('output is told line by line, whatever its pieces, and long lines are cut', () => {
  const told: string[] = [];
  const { push, end } = inLines((line) => told.push(line));
  for (const piece of ['on', 'e\ntwo\n\n', `${'x'.repeat(5_000)}`, 'y\nlast ', '\n', 'not over']) push(Buffer.from(piece));
  const [first, rest] = [Buffer.from('ä').subarray(0, 1), Buffer.from('ä').subarray(1)];
  push(Buffer.concat([Buffer.from(' '), first]));
  push(Buffer.concat([rest, Buffer.from('\n')]));
  expect(told.splice(0)).toEqual(['one', 'two', 'x'.repeat(4_096), 'last', 'not over ä']);
  push(Buffer.from('panic: '));
  push(first);
  expect(told).toEqual([]);
  end();
  expect(told).toEqual(['panic: \ufffd']);
});

test('whoever says too much is cut short, which is said; its warnings have a share of their own, as has each other', () => {
  const { line, tellLeftOut, said, pass } = logs(2);
  for (let n = 0; n < 1_000; n++) line('bob', `INFO busy ${n}`);
  line('bob', 'WARN link down');
  line('alice', 'INFO here');
  expect(said('bob').map(({ text }) => text)).toEqual([...Array.from({ length: 50 }, (_, n) => `INFO busy ${n}`), 'WARN link down']);
  expect(said('alice')).toEqual([{ text: 'INFO here' }]);
  pass(1_000);
  for (let n = 0; n < 5; n++) line('bob', 'INFO again');
  expect(said('bob').slice(51)).toEqual([{ text: 'INFO again', left_out: 950 }, { text: 'INFO again' }]);
  for (let n = 0; n < 10_000; n++) {
    pass(1_000);
    line('bob', 'INFO on and on');
  }
  expect(said('bob').length).toBe(2_502);
  expect(said('bob').at(-1)).toEqual({ text: 'the rest of its lines is left out' });
  for (let n = 0; n < 1_000; n++) line('bob', `WARN ${n}`);
  expect(said('bob').slice(2_502)).toEqual(Array.from({ length: 50 }, (_, n) => ({ text: `WARN ${n}` })));
  for (let n = 0; n < 2; n++) tellLeftOut();
  const text = (what: string) => `its last ${what} are left out`;
  expect(said('bob').slice(2_552)).toEqual([{ text: text('lines'), left_out: 7_552 }, { text: text('warnings'), left_out: 950 }]); // prettier-ignore
  expect(said('alice')).toHaveLength(1);
});

test('no part of a token is recorded, not even of one that lies across the end of what is', async () => {
  const { line, said } = logs(1);
  await using world = await localTarget({ command: fakeDaemon('tells') }).open({ nodes: 1, said: line });
  await fetch(`http://${world.nodes[0]!.address}/health`);
  const answers = () => said('alice').slice(1);
  await eventually(systemClock, () => answers().length >= 2, { within: 8_000, what: 'what it says as it answers' });
  expect(new Set(answers().map(({ text }) => text))).toEqual(new Set([`${'x'.repeat(280)}[secret]`]));
});

test('nor of a token of another node of its world', async () => {
  const { line, said } = logs(2);
  const target = localTarget({ command: fakeDaemon(), commands: { alice: fakeDaemon('tells-on') } });
  await using _world = await target.open({ nodes: 2, said: line });
  expect(said('alice')[1]).toEqual({ text: `${'x'.repeat(280)}[secret]` });
});

test('what nodes say after the run is nothing of it', () => {
  const { line, recorder, said } = logs(1);
  recorder.write({ type: 'run', stage: 'finished', outcome: 'complete' });
  line('alice', 'INFO ending');
  expect(said('alice')).toEqual([]);
});

test('daemons and simulated nodes are heard', async () => {
  const told: string[] = [];
  const said = (node: string, line: string): void => void told.push(`${node}: ${line}`);
  {
    await using world = await localTarget({ command: fakeDaemon() }).open({ nodes: 1, said });
    expect(told).toContainEqual(expect.stringMatching(/^alice: fake daemon alice /u));
    expect(world.nodes).toHaveLength(1);
  }
  const target = simulatedTarget({ seed: '7' });
  await using _world = await target.open({ nodes: 2, said });
  expect(told).toContainEqual(expect.stringMatching(/^bob: INFO link up \{"machine":/u));
  target.simulation.end();
});
