/** The storm that a seed makes: faults one after the other, each kind before any comes again, and load all along. */
import { type FaultKind, isOfNode, leastSufferers, nodeName, type Power, type Schedule, type SeededRandom } from '@muster/lab';

/** ms a fault stays: too short to be noticed, or longer than the detector of lost peers */
const HOLD_MS = [1_500, 4_000, 14_000];
const FIRST_MS = 500;
/** ms between the end of one and the beginning of the next, at least */
const BETWEEN_MS = 1_000;
/** ms between two messages of one node: what it publishes, and what it sends to one other */
const LOAD = { publish_every_ms: 100, send_every_ms: 250 };
/** ms by which a clock goes wrong: what messages live through, and what they do not */
const SKEW_MS = [-3_600_000, -20_000, 20_000, 3_600_000];
/** of the nodes, those that are never killed: what they accept and what they are owed is counted */
const STEADY = 0.6;

interface Upon {
  /** once in a round for each of these */
  readonly on?: readonly ('one' | 'all' | undefined)[];
  /** what not every target can do */
  readonly power?: Power;
}
const KINDS = Object.entries({
  'partition-halves': {},
  'partition-minority': {},
  'partition-ring': {},
  'partition-bridge': {},
  'partition-single': {},
  'partition-one-way': {},
  kill: { on: ['one', 'all'] },
  restart: { on: ['one'] },
  pause: { on: ['one'] },
  'half-open': {},
  'bad-paths': { on: ['all'] },
  'cut-message': {},
  'power-loss': { on: ['one'], power: 'power' },
  'clock-skew': { on: ['one'], power: 'clock' },
  'clock-drift': { on: ['one'], power: 'clock' },
  'disk-full': { on: ['one'], power: 'disk-full' },
  'disk-slow': { on: ['one'], power: 'disk-slow' },
} satisfies Record<FaultKind, Upon>).flatMap(([kind, { on = [undefined], power }]: [string, Upon]) =>
  on.map((select) => ({ kind: kind as FaultKind, select, power })),
);

/** what a storm takes where it can be had; a written one what is written */
export function powersUsed(written: Schedule | undefined): readonly Power[] {
  const used = KINDS.filter(({ kind }) => !written || written.faults.some((fault) => fault.kind === kind));
  return [...new Set(used.flatMap(({ power }) => power ?? []))];
}

export function stormSchedule(count: number, seconds: number, powers: readonly Power[], random: SeededRandom): Schedule {
  const nodes = Array.from({ length: count }, (_, index) => nodeName(index));
  const mortal = nodes.slice(Math.min(count - 1, Math.ceil(count * STEADY)));
  const kinds = KINDS.filter(({ kind, power }) => leastSufferers(kind) <= count && (power === undefined || powers.includes(power)));
  const faults: Schedule['faults'][number][] = [];
  let left: (typeof kinds)[number][] = [];
  for (let at = FIRST_MS; faults.length === 0 || at < seconds * 1_000;) {
    if (left.length === 0) left = [...kinds];
    const [{ kind, select }] = left.splice(random.integer(left.length), 1) as [(typeof kinds)[number]];
    const hold = random.pick(HOLD_MS);
    const on = isOfNode(kind) ? { role: 'mortal', select: select ?? 'one' } : select;
    faults.push({ at_ms: at, for_ms: hold, kind, ...(kind === 'clock-skew' && { by_ms: random.pick(SKEW_MS) }), ...(on && { on }) });
    at += hold + BETWEEN_MS;
  }
  return { nodes, roles: { mortal }, faults, load: LOAD };
}
