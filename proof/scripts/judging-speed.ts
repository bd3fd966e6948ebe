/**
 * npm run bench:judging [-- --operations N] [--gate PER_SECOND] [--most-mb MB] [--only CHECKER]… [--together]
 *
 * How many operations a second each checker of linear time judges, and the memory that its process took at most, the history that streams by included.
 * A message and each of its copies are an operation. CPU time, without that of making the history. `--gate` fails (exit 1) for one under so many,
 * `--most-mb` for one that took more: an idle machine has to manage 10 million, 500000 a second, in 1000 MB. Run it alone.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Claim, claims, Frame, type JournalEntry, type JournalLine } from '../src/index.ts';
import { findPredicate } from '../src/predicates/registry.ts';

const BATCH = 1_000;
const KEYS = 1_000;
const nodes = ['alice', 'bob', 'carol'];

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '1000000' },
    gate: { type: 'string', default: '0' },
    'most-mb': { type: 'string', default: 'Infinity' },
    only: { type: 'string', multiple: true },
    together: { type: 'boolean', default: false },
  },
});
const least = Number(values.gate);
const operations = Number(values.operations);
const mostMegabytes = Number(values['most-mb']);
if (!(least >= 0) || !(operations > 0) || !(mostMegabytes > 0)) {
  console.error('--gate, --operations and --most-mb take numbers, such as 500000');
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

/** the last operation that was about a key */
const lastAbout = (key: number): number => operations - KEYS + ((key - (operations % KEYS) + KEYS) % KEYS);
const reads = (id: string, node: string, op: string, input: Record<string, string>, output: Record<string, string | string[]>): JournalEntry[] => [
  { type: 'invoke', id, process: node, surface: 'rest', op, input },
  { type: 'ok', id, output },
];
/** Each node reads each key. */
function lastRead(n: number): JournalEntry[] {
  const key = n % KEYS;
  return reads(`read-${n}`, nodes[Math.floor(n / KEYS)]!, 'store.get', { key: `k${key}` }, { value: `v${lastAbout(key)}` });
}
/** Each element is added and removed by turns. */
const change = (n: number): string => (Math.floor(n / KEYS) % 2 === 0 ? 'set.add' : 'set.remove');
const members = Array.from({ length: KEYS }, (_, key) => key).flatMap((key) => (change(lastAbout(key)) === 'set.add' ? [`k${key}`] : []));

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
  'set-converged': {
    round: (n) => invoke(n, change(n), { key: `k${n % KEYS}` }),
    perRound: 1,
    last: nodes.flatMap((node) => reads(`read-${node}`, node, 'set.list', {}, { items: members })),
    claim: claims.setConverged({
      adds: { operations: { op: 'set.add' }, key: '/input/key' },
      removes: { operations: { op: 'set.remove' }, key: '/input/key' },
      reads: { operations: { op: 'set.list' }, items: '/output/items' },
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

const unknown = values.only?.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) {
  console.error(`--only ${unknown}: one of ${Object.keys(benches).join(', ')}`);
  process.exit(1);
}
const names = values.only ?? Object.keys(benches);
if (values.together || names.length === 1) for (const name of names) judge(name, benches[name]!);
else {
  // Each in a process of its own: the memory is that of one, and none runs code that was made to suit the others.
  for (const name of names) {
    const own = ['--operations', values.operations, '--gate', values.gate, '--most-mb', values['most-mb'], '--only', name];
    if (spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, ...own], { stdio: 'inherit' }).status !== 0) process.exitCode = 1;
  }
}

function judge(name: string, bench: Bench): void {
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
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${name.padEnd(24)} ${rate.toLocaleString('en')} operations/s  (${lines.toLocaleString('en')} lines, at most ${megabytes} MB)  ${status}`,
  );
  const wrong = [
    rate < least && `under ${least.toLocaleString('en')} operations a second`,
    megabytes > mostMegabytes && `more than ${mostMegabytes.toLocaleString('en')} MB`,
    status !== 'pass' && 'a history without a flaw did not pass',
  ].filter((what) => what !== false);
  for (const what of wrong) console.error(`${name}: ${what}`);
  if (wrong.length > 0) process.exitCode = 1;
}
