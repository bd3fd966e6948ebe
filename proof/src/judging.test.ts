/** That long histories are judged in little time and memory. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { claims } from './claims.ts';
import { Frame } from './frame.ts';
import type { JournalLine } from './journal.ts';
import { findPredicate } from './predicates/registry.ts';

/** a fifth of what an idle machine has to manage: it is processor time, but of a machine that others use too */
const LEAST_PER_SECOND = 100_000;
/** of one message and its three copies, kept to the end */
const MOST_BYTES = 250;

const script = fileURLToPath(new URL('../scripts/judging-speed.ts', import.meta.url));
const speed = (...options: string[]) => spawnSync(process.execPath, ['--conditions=muster-source', script, ...options], { encoding: 'utf8' });

test('each checker of linear time judges at least a hundred thousand operations a second', () => {
  const { status, stdout, stderr } = speed('--operations', '60000', '--gate', String(LEAST_PER_SECOND), '--together');
  expect(stderr + stdout).not.toContain('under ');
  expect([status, stdout.match(/ pass$/gmu)?.length]).toEqual([0, 8]);
});

test.for([
  ['--gate', '500k'],
  ['--gate', '1', '--operations', '60k'],
  ['--gate', '1', '--operations', '0'],
  ['--most-mb', '1 GB'],
])('what is no number does not pass for a speed: %j', (options) => {
  const { status, stdout, stderr } = speed(...options);
  expect([status, stdout, stderr]).toEqual([1, '', '--gate, --operations and --most-mb take numbers, such as 500000\n']);
});

test.for([
  ['--gate', '1e12', 'rosters-agree: under 1,000,000,000,000 operations a second\n'],
  ['--most-mb', '9', 'rosters-agree: more than 9 MB\n'],
])('a checker that is slower, or takes more, than it may fails: %j', ([option, value, said]) => {
  const { status, stderr } = speed('--operations', '10000', '--only', 'rosters-agree', option!, value!);
  expect([status, stderr]).toEqual([1, said]);
});

test('a history takes its bytes of memory and no more while it streams by', () => {
  const nodes = ['alice', 'bob', 'carol'];
  const claim = claims.deliveredExactlyOnce({
    sends: { op: 'messaging.publish' },
    key: '/input/payload',
    receivers: { nodes },
    receipts: { stream: 'messaging.events' },
    receiptKey: '/payload',
    receiptSender: '/sender',
  });
  const reducer = findPredicate(claim.predicate)!.start(claim.params, new Frame(), Infinity);
  if (typeof reducer === 'string') throw new Error(reducer);
  let seq = 0;
  const put = (line: object): void => reducer.line({ seq: ++seq, t: seq, ...line } as JournalLine);
  const upTo = (from: number, to: number): void => {
    for (let n = from; n < to; n++) {
      const [id, process, payload] = [`op-${n}`, nodes[n % 3]!, `message ${n}`];
      put({ type: 'invoke', id, process, surface: 'rest', op: 'messaging.publish', input: { payload } });
      put({ type: 'ok', id });
      for (const node of nodes) put({ type: 'observe', node, stream: 'messaging.events', event: 'message', data: { payload, sender: process } });
    }
  };
  upTo(0, 20_000);
  const before = used();
  upTo(20_000, 120_000);
  expect((used() - before) / 100_000).toBeLessThan(MOST_BYTES);
  expect(reducer.result()).toMatchObject({ status: 'pass' });
});

/** bytes in use once everything that is not needed was collected */
function used(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Buffers are freed beside what runs: the second waits for those of the first.
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
