/**
 * npm run bench [-- --gate] [--runs N] [--messages N] [--simulate NODES]… [--target-cmd CMD]… [--json]
 *
 * Medians of at least five runs, against a floor measured in the same run. `--gate` fails (exit 1) when our own daemon is outside its bounds;
 * `--target-cmd` measures another daemon with compatible flags beside ours. Run it alone: everything here competes for the same cores.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generatorSpeed, ownDaemon, shellCommand } from '@muster/lab';
import type { DaemonCommand } from '@muster/lab';
import { openFloor } from './floor.ts';
import { median, percentile } from './measure.ts';
import { proofParts } from './proof-run.ts';
import { type SimulationNumbers, simulationNumbers } from './simulation.ts';
import { directMessages, openLine, openWorld, publishToStreams, startUp } from './network.ts';
import { overlayNumbers } from './overlay.ts';

const PAYLOAD_BYTES = 256;
const DIRECT_MESSAGES = 200;
/** operations per second */
const GENERATOR_RATE = 20_000;

/** What our daemon must keep. Rates and latencies are measured in floors, so that they hold on slower machines too. */
const GATES = { publishShare: 0.4, directTimesFloor: 3.5, overlayTimesLink: 4, healthMs: 500, residentMb: 130, generatorShare: 0.99 } as const;

interface Row {
  readonly daemon: string;
  readonly publishPerSecond: number;
  readonly publishShare: number;
  readonly directP50Ms: number;
  /** p50 in TLS round trips of the same payload */
  readonly directRoundTrips: number;
  readonly directP99Ms: number;
  readonly healthMs: number;
  readonly residentMb: number;
}

const { values } = parseArgs({
  options: {
    gate: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    messages: { type: 'string', default: '1000' },
    simulate: { type: 'string', multiple: true, default: ['20', '100'] },
    'target-cmd': { type: 'string', multiple: true, default: [] },
  },
});
const runs = wholeNumber('--runs', values.runs, 5);
const messages = wholeNumber('--messages', values.messages, 10);
const simulated = values.simulate.map((nodes) => wholeNumber('--simulate', nodes, 2));
const built = (entry: string): string => fileURLToPath(new URL(`../../cli/dist/${entry}.js`, import.meta.url));
const musterd = built('musterd');
const daemons: DaemonCommand[] = [ownDaemon(musterd), ...values['target-cmd'].map((line) => shellCommand(line))];

const floors = await measureFloor();
const rows: Row[] = [];
for (const command of daemons) rows.push(await measure(command));
const routes = await measureRoutes(ownDaemon(musterd));
const parts = await proofParts(built('muster'), runs);
const overlay = await overlayNumbers(daemons[0]!, PAYLOAD_BYTES);
const simulations: SimulationNumbers[] = [];
for (const nodes of simulated) simulations.push(await simulationNumbers(nodes));
const generator = await generatorSpeed(GENERATOR_RATE, 2 * GENERATOR_RATE);
if (values.json)
  console.log(
    JSON.stringify({ floors, rows, routes, parts, overlay, simulations, generator, gates: GATES, runs, messages, payloadBytes: PAYLOAD_BYTES }),
  );
else print();
if (values.gate) gate(rows[0]!);

async function measureFloor() {
  await using floor = await openFloor();
  await floor.signAndWrite(100, PAYLOAD_BYTES);
  const rates: number[] = [];
  const trips: number[] = [];
  const directs: number[] = [];
  for (let run = 0; run < runs; run++) {
    rates.push(await floor.signAndWrite(messages, PAYLOAD_BYTES));
    for (let trip = 0; trip < 50; trip++) {
      trips.push(await floor.roundTrip(PAYLOAD_BYTES));
      directs.push(await floor.direct(PAYLOAD_BYTES));
    }
  }
  return { signAndWritePerSecond: median(rates), roundTripMs: median(trips), directMs: median(directs) };
}

async function measure(command: DaemonCommand): Promise<Row> {
  const starts: { healthMs: number; residentMb: number }[] = [];
  for (let run = 0; run < runs; run++) starts.push(await startUp(command));
  await using world = await openWorld(command, 3);
  await publishToStreams(world, Math.min(messages, 200), PAYLOAD_BYTES);
  const rates: number[] = [];
  const p50: number[] = [];
  const p99: number[] = [];
  for (let run = 0; run < runs; run++) {
    rates.push(await publishToStreams(world, messages, PAYLOAD_BYTES));
    const times = await directMessages(world, DIRECT_MESSAGES, PAYLOAD_BYTES);
    p50.push(percentile(times, 50));
    p99.push(percentile(times, 99));
  }
  const publishPerSecond = median(rates);
  return {
    daemon: command.implementation,
    publishPerSecond,
    publishShare: publishPerSecond / floors.signAndWritePerSecond,
    directP50Ms: median(p50),
    directRoundTrips: median(p50) / floors.roundTripMs,
    directP99Ms: median(p99),
    healthMs: median(starts.map(({ healthMs }) => healthMs)),
    residentMb: median(starts.map(({ residentMb }) => residentMb)),
  };
}

/** The same message to a neighbour over the link, and to the neighbour's neighbour over the overlay: there and back through one relay. */
async function measureRoutes(command: DaemonCommand) {
  await using line = await openLine(command);
  const link: number[] = [];
  const overlay: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const times = [
      await directMessages(line, DIRECT_MESSAGES / 2, PAYLOAD_BYTES, 1, 'raw_quic_acked'),
      await directMessages(line, DIRECT_MESSAGES / 2, PAYLOAD_BYTES, 2, 'gossip_inbox'),
    ] as const;
    // The first run warms up.
    if (run === 0) continue;
    link.push(...times[0]);
    overlay.push(...times[1]);
  }
  return { linkP50Ms: median(link), overlayP50Ms: median(overlay), overlayP99Ms: percentile(overlay, 99) };
}

function print(): void {
  console.log(
    `floor: ${floors.signAndWritePerSecond.toFixed(0)} msg/s (one ML-DSA-65 signature + one TLS write); direct message ${floors.directMs.toFixed(2)} ms (signature, verification, two durable commits, TLS round trip of ${floors.roundTripMs.toFixed(3)} ms)`,
  );
  console.log(`medians of ${runs} runs, ${messages} messages of ${PAYLOAD_BYTES} bytes, 3 daemons\n`);
  const head = ['daemon', 'publish→SSE msg/s', 'of floor', 'DM p50 ms', 'DM p99 ms', 'p50 / TLS RTT', 'exec→health ms', 'idle MB'];
  const lines = rows.map((row) => [
    row.daemon,
    row.publishPerSecond.toFixed(0),
    `${(row.publishShare * 100).toFixed(0)} %`,
    row.directP50Ms.toFixed(2),
    row.directP99Ms.toFixed(2),
    row.directRoundTrips.toFixed(0),
    row.healthMs.toFixed(0),
    row.residentMb.toFixed(0),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]!.length)));
  for (const line of [head, ...lines])
    console.log(line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  '));
  const { linkP50Ms, overlayP50Ms, overlayP99Ms } = routes;
  console.log(
    `\nDM without a link, over the overlay through one relay: p50 ${overlayP50Ms.toFixed(2)} ms, p99 ${overlayP99Ms.toFixed(2)} ms; over a link in the same line p50 ${linkP50Ms.toFixed(2)} ms`,
  );
  console.log('');
  for (const { nodes, nodeSecondsPerSecond, joining, residentMb } of simulations)
    console.log(
      `simulated world of ${nodes} nodes: ${nodeSecondsPerSecond.toFixed(0)} nodes × virtual seconds per second, ${(nodeSecondsPerSecond / nodes).toFixed(1)} × real time; joining took ${joining.cpuSeconds.toFixed(1)} s of CPU for ${joining.virtualSeconds.toFixed(0)} virtual ones; ${residentMb.toFixed(0)} MB resident`,
    );
  console.log(
    `\noverlay of ${overlay.nodes} nodes in one process: joined in ${overlay.joinMs.toFixed(0)} ms; burst ${overlay.burstDeliveriesPerSecond.toFixed(0)} deliveries/s; paced p50 ${overlay.pacedP50Ms.toFixed(1)} ms, p99 ${overlay.pacedP99Ms.toFixed(1)} ms; ${overlay.wireBytesPerDelivery.toFixed(0)} bytes on the wire per delivery; ${overlay.cpuMsPer1000Deliveries.toFixed(0)} ms of CPU per 1,000 deliveries; ${overlay.kbPerLink.toFixed(0)} KiB per link, ${overlay.kbPerTopic.toFixed(1)} KiB per topic`,
  );
  console.log(
    `\nload generator, asked for ${GENERATOR_RATE} operations/s: ${generator.offered.offered_per_second}/s, ${generator.offered.late} of them late; ${generator.cpuMicrosPerOperation.toFixed(1)} µs of CPU per operation`,
  );
  console.log(`\nmuster prove: ${parts.map(({ name, ms }) => `${name} ${(ms / 1_000).toFixed(2)} s`).join(', ')}`);
}

function gate(row: Row): void {
  type Bound = [what: string, value: number, sign: '≥' | '≤', bound: number];
  const bounds: Bound[] = [
    ['publish→SSE as a share of the floor', row.publishShare, '≥', GATES.publishShare],
    ['DM p50 in floors of a direct message', row.directP50Ms / floors.directMs, '≤', GATES.directTimesFloor],
    ['DM p50 over the overlay in DMs over a link', routes.overlayP50Ms / routes.linkP50Ms, '≤', GATES.overlayTimesLink],
    ['exec→/health, ms', row.healthMs, '≤', GATES.healthMs],
    ['idle resident memory, MB', row.residentMb, '≤', GATES.residentMb],
    ['load generator, operations/s', generator.offered.offered_per_second, '≥', GATES.generatorShare * GENERATOR_RATE],
    ...parts.map(({ name, ms, budgetMs }): Bound => [`muster prove: ${name}, ms`, ms, '≤', budgetMs]),
  ];
  console.log('');
  for (const [what, value, sign, bound] of bounds) {
    const good = sign === '≥' ? value >= bound : value <= bound;
    console.log(`${good ? 'pass' : 'FAIL'}  ${what}: ${value.toFixed(2)} (${sign} ${bound})`);
    if (!good) process.exitCode = 1;
  }
}

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  console.error(`bench: ${flag} ${text}: a whole number of at least ${least} is needed`);
  process.exit(4);
}
