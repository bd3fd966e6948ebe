/** What the lab measures about itself before it judges anyone: by the clock, through paths that it made bad, under load that it offers. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Claim, Json } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import { HalfOpenProxy } from '../faults/half-open-proxy.ts';
import { LinkShaper } from '../faults/link-shaper.ts';
import { openLoop } from '../load/open-loop.ts';
import type { Recorder } from '../record/recorder.ts';
import { seededRandom } from './random.ts';

/* names for a check's `needsCalibrations` */
const TIMER_OVERSHOOT = 'timer-overshoot';
const LOOPBACK_ROUND_TRIP = 'loopback-round-trip';
/** by how much the wall clock went another way than the monotonic one */
const CLOCK_STEP = 'clock-step';
const PATH_ROUND_TRIP = 'path-round-trip';
const PATH_RATE = 'path-rate';
const PATH_LOSS = 'path-loss';
const GENERATOR_RATE = 'generator-rate';

const CLOCKS = [TIMER_OVERSHOOT, LOOPBACK_ROUND_TRIP, CLOCK_STEP, GENERATOR_RATE];
const PATHS = [PATH_ROUND_TRIP, PATH_RATE, PATH_LOSS];

const SAMPLES = 9;
const ATTEMPTS = 5;
const DELAY_MS = 20;
const BYTES_PER_SECOND = 1_000_000;
const BYTES = 100_000;
const LOSS = 0.2;
const SEGMENTS = 5_000;
const SEGMENT_BYTES = 1_000;
/** what a generator is asked to offer, or twice as many as the run does */
const OPERATIONS_PER_SECOND = 20_000;
/** s for which it is asked to */
const OFFERED_S = 0.1;
/** operations per second that no suite exceeds unasked */
const UNASKED_PER_SECOND = 100;

export interface Calibrations {
  readonly clock: LabClock;
  readonly seed: string;
  /** the run makes paths bad */
  readonly paths: boolean;
  /** operations per second that the run offers at most, of those that were asked for */
  readonly rate: number;
}

/** Resolves once all that the run depends on was measured and recorded. */
export async function calibrate(recorder: Recorder, { clock, seed, paths, rate }: Calibrations): Promise<void> {
  const note = noting(recorder);
  const [wall, monotonic] = [clock.now(), clock.monotonic()];
  await note(TIMER_OVERSHOOT, 'ms', [null, 100], async () => median(await times(clock, SAMPLES, () => clock.sleep(2))) - 2);
  await using echo = await echoing();
  await note(LOOPBACK_ROUND_TRIP, 'ms', [null, 50], async () => median(await roundTrips(clock, echo.address, SAMPLES)));
  if (paths) {
    await calibratePath(note, clock, seed, echo.address);
    await note(PATH_LOSS, 'share', [LOSS - 0.03, LOSS + 0.03], async () => lossOf(seed), LOSS);
  }
  const wanted = Math.max(OPERATIONS_PER_SECOND, 2 * rate);
  const options = { clock, rate: wanted, count: wanted * OFFERED_S, stop: new AbortController().signal };
  const offered = async (): Promise<number> => (await openLoop(() => Promise.resolve(), options)).offered_per_second;
  await note(GENERATOR_RATE, 'operations/s', [Math.max(UNASKED_PER_SECOND, rate), null], offered, wanted);
  // `now` is in whole ms.
  await note(CLOCK_STEP, 'ms', [null, 50], async () => Math.abs(clock.now() - wall - (clock.monotonic() - monotonic)));
}

/** Operations per second of all that a run with these settings offers at once: the rate may be meant for each node of the largest world. */
export function offeredRate({ rate }: Readonly<Record<string, Json>>, worlds: readonly { readonly nodes: number }[]): number {
  return typeof rate === 'number' ? rate * Math.max(0, ...worlds.map(({ nodes }) => nodes)) : 0;
}

/** What a claim stands on, of what a lab measures of itself. `faults`: ids of those that must have bitten. */
export function calibrationsFor({ predicate, params }: Claim, faults: readonly string[]): string[] {
  const byTheClock = predicate === 'elapsed-at-most' || (predicate === 'at-most' && params['unit'] === 'ms');
  return [...(byTheClock ? CLOCKS : []), ...(faults.some((id) => /\/bad-paths-\d+$/.test(id)) ? PATHS : [])];
}

type Note = (name: string, unit: string, within: [number | null, number | null], measure: () => Promise<number>, wanted?: number) => Promise<void>;

/** Measures again what is out of tolerance: a busy moment is nothing that the lab is like. Records the last measurement. */
function noting(recorder: Recorder): Note {
  return async (name, unit, within, measure, wanted) => {
    const [low, high] = within;
    let measured = NaN;
    for (let tried = 0; tried < ATTEMPTS && !(measured >= (low ?? -Infinity) && measured <= (high ?? Infinity)); tried++) measured = await measure();
    measured = Math.round(measured * 1_000) / 1_000;
    recorder.write({ type: 'calibration', name, ...(wanted !== undefined && { wanted }), measured, unit, within });
  };
}

/** A path with a delay, and one with a rate, made by what makes those of the nodes. */
async function calibratePath(note: Note, clock: LabClock, seed: string, upstream: string): Promise<void> {
  await using proxy = await HalfOpenProxy.start(upstream);
  for (const direction of ['forward', 'backward'] as const)
    proxy.shape(direction, new LinkShaper({ delayMs: DELAY_MS }, seededRandom(seed, direction)));
  const delay = async (): Promise<number> => Math.min(...(await roundTrips(clock, proxy.address, 3)));
  await note(PATH_ROUND_TRIP, 'ms', [2 * DELAY_MS - 1, 2 * DELAY_MS + 50], delay, 2 * DELAY_MS);

  proxy.shape('forward', new LinkShaper({ bytesPerSecond: BYTES_PER_SECOND }, seededRandom(seed, 'rate')));
  proxy.shape('backward', undefined);
  const rate = async (): Promise<number> => (BYTES * 1_000) / (await transfer(clock, proxy.address, BYTES));
  await note(PATH_RATE, 'bytes/s', [BYTES_PER_SECOND / 2, BYTES_PER_SECOND * 1.02], rate, BYTES_PER_SECOND);
}

/** Share of segments that the shaper delays as if they had been lost. */
function lossOf(seed: string): number {
  const shaper = new LinkShaper({ loss: LOSS }, seededRandom(seed, PATH_LOSS));
  for (let n = 0; n < SEGMENTS; n++) shaper.arrival(SEGMENT_BYTES, n * 60_000);
  return shaper.record.lost / SEGMENTS;
}

interface Echo extends AsyncDisposable {
  readonly address: string;
}

async function echoing(): Promise<Echo> {
  const server = createServer({ noDelay: true }, (socket) => socket.on('error', () => undefined).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

async function roundTrips(clock: LabClock, address: string, count: number): Promise<number[]> {
  using socket = await connected(address);
  // Awaited here: the connection is needed until then.
  return await times(clock, count, async () => {
    socket.write('.');
    await once(socket, 'data');
  });
}

/** ms until so many bytes have come back */
async function transfer(clock: LabClock, address: string, bytes: number): Promise<number> {
  using socket = await connected(address);
  const [ms] = await times(clock, 1, async () => {
    let left = bytes;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on('data', (chunk: Buffer) => (left -= chunk.length) <= 0 && resolve());
    socket.write(Buffer.alloc(bytes));
    await promise;
  });
  return ms!;
}

async function connected(address: string): Promise<Socket & Disposable> {
  const [host, port] = address.split(':') as [string, string];
  const socket = connect({ port: Number(port), host, noDelay: true });
  await once(socket, 'connect');
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.destroy() });
}

/** ms that each took, one after another */
async function times(clock: LabClock, count: number, act: () => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < count) {
    const start = clock.monotonic();
    await act();
    taken.push(clock.monotonic() - start);
  }
  return taken;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
