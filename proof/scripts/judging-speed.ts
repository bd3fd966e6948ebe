/**
 * npm run bench:judging [-- --operations N] [--gate PER_SECOND]
 *
 * How many operations a second each checker of linear time judges, and the memory that all of it took. CPU time, without that of making
 * the history. `--gate` fails (exit 1) for one under so many: an idle machine has to manage 500000. Run it alone.
 */
import { parseArgs } from 'node:util';
import { type Claim, claims, Frame, type JournalEntry, type JournalLine } from '../src/index.ts';
import { findPredicate } from '../src/predicates/registry.ts';

const BATCH = 1_000;
const KEYS = 1_000;
const nodes = ['alice', 'bob', 'carol'];

const { values } = parseArgs({ options: { operations: { type: 'string', default: '1000000' }, gate: { type: 'string', default: '0' } } });
const least = Number(values.gate);
const operations = Number(values.operations);
if (!(least >= 0) || !(operations > 0)) {
  console.error('--gate and --operations take numbers, such as 500000');
  process.exit(1);
}

interface Bench {
  /** lines of the n-th round, and how many operations they are */
  readonly round: (n: number) => readonly JournalEntry[];
  readonly perRound: number;
  /** what comes after all rounds */
  readonly last?: readonly JournalEntry[];
  readonly claim: Claim;
}

const invoke = (n: number, op: string, input: Record<string, string>): JournalEntry[] => [
  { type: 'invoke', id: `op-${n}`, process: nodes[n % 3]!, surface: 'rest', op, input },
  { type: 'ok', id: `op-${n}`, status: 200, output: { ok: true } },
];
const payloadOf = (n: number) => Buffer.from(`message ${n} of ${nodes[n % 3]}`).toString('base64');
const published = (n: number): JournalEntry[] => [
  ...invoke(n, 'messaging.publish', { topic: 't', payload: payloadOf(n) }),
  ...nodes.map((node): JournalEntry => {
    const data = { topic: 't', payload: payloadOf(n), sender: nodes[n % 3]! };
    return { type: 'observe', node, stream: 'messaging.events', event: 'message', data: { type: 'message', data } };
  }),
];
const sends = { sends: { op: 'messaging.publish', where: [{ at: '/input/topic', equals: 't' }] }, key: '/input/payload', receivers: { nodes } };
const receipts = { stream: 'messaging.events', where: [{ at: '/data/topic', equals: 't' }] };
const delivery = { ...sends, receipts, receiptKey: '/data/payload', receiptSender: '/data/sender' };
const observed = (n: number, event: string, data: Record<string, string | number | string[]>): JournalEntry[] => [
  { type: 'observe', node: nodes[n % 3]!, stream: 'state', event, data },
];

/** Each node reads each key. */
function lastRead(n: number): JournalEntry[] {
  const key = n % KEYS;
  const value = `v${operations - KEYS + ((key - (operations % KEYS) + KEYS) % KEYS)}`;
  return [
    { type: 'invoke', id: `read-${n}`, process: nodes[Math.floor(n / KEYS)]!, surface: 'rest', op: 'store.get', input: { key: `k${key}` } },
    { type: 'ok', id: `read-${n}`, output: { value } },
  ];
}

const benches: Readonly<Record<string, Bench>> = {
  'delivered-exactly-once': { round: published, perRound: 4, claim: claims.deliveredExactlyOnce(delivery) },
  'delivered-in-order': { round: published, perRound: 4, claim: claims.deliveredInOrder(delivery) },
  balanced: { round: published, perRound: 4, claim: claims.balanced({ ...sends, delivered: { observe: receipts, key: '/data/payload' } }) },
  'register-converged': {
    round: (n) => invoke(n, 'store.put', { key: `k${n % KEYS}`, value: `v${n}` }),
    perRound: 1,
    last: Array.from({ length: KEYS * nodes.length }, (_, n) => lastRead(n)).flat(),
    claim: claims.registerConverged({
      writes: { operations: { op: 'store.put' }, key: '/input/key', value: '/input/value' },
      reads: { operations: { op: 'store.get' }, key: '/input/key', value: '/output/value' },
      nodes,
    }),
  },
  'rosters-agree': {
    round: (n) => observed(n, 'roster', { epoch: Math.floor(n / 3), members: nodes }),
    perRound: 1,
    claim: claims.rostersAgree({ rosters: { event: 'roster' }, epoch: '/epoch', members: '/members' }),
  },
  'presence-true': {
    round: (n) => observed(n, 'presence', { who: nodes[(n + 1) % 3]!, state: 'online' }),
    perRound: 1,
    claim: claims.presenceTrue({
      reports: { event: 'presence' },
      subject: '/who',
      state: '/state',
      online: ['online'],
      downs: ['kill'],
      within: 100,
    }),
  },
  'resource-envelope': {
    round: (n) => observed(n, 'sample', { rss: 100 + (n % 7) }),
    perRound: 1,
    claim: claims.resourceEnvelope({ samples: { event: 'sample' }, at: '/rss', perHour: 1e9 }),
  },
};

function* history({ round, perRound, last = [] }: Bench): Generator<readonly JournalLine[]> {
  let seq = 0;
  let batch: JournalLine[] = [];
  const put = (entry: JournalEntry) => batch.push({ seq: ++seq, t: seq / 100, ...entry } as JournalLine);
  put({ type: 'world', world: 'w', nodes: nodes.map((name) => ({ name })), links: [], capabilities: [], powers: [], surfaces: [] });
  for (let n = 0; n * perRound < operations; n++) {
    for (const entry of round(n)) put(entry);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  for (const entry of last) put(entry);
  yield batch;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

let slow = false;
for (const [name, bench] of Object.entries(benches)) {
  const frame = new Frame();
  const reducer = findPredicate(bench.claim.predicate)!.start(bench.claim.params, frame, Infinity);
  if (typeof reducer === 'string') throw new Error(reducer);
  const wanted = new Set<string>(reducer.interest.types);
  let seconds = 0;
  let lines = 0;
  for (const batch of history(bench)) {
    lines += batch.length;
    for (const line of batch) if (line.type === 'world') frame.add(line);
    const begun = cpuSeconds();
    for (const line of batch) if (wanted.has(line.type)) reducer.line(line);
    seconds += cpuSeconds() - begun;
  }
  const begun = cpuSeconds();
  const { status } = reducer.result();
  seconds += cpuSeconds() - begun;
  const rate = Math.round(operations / seconds);
  slow ||= rate < least;
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${name.padEnd(24)} ${rate.toLocaleString('en')} operations/s  (${lines.toLocaleString('en')} lines, at most ${megabytes} MB)  ${status}`,
  );
}
if (slow) {
  console.error(`under ${least.toLocaleString('en')} operations a second`);
  process.exitCode = 1;
}
