/** What the lab measures about itself before it judges anyone by the clock. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import type { LabClock } from '../clock.ts';
import type { Recorder } from '../record/recorder.ts';

/** names for a check's `needsCalibrations` */
export const TIMER_OVERSHOOT = 'timer-overshoot';
export const LOOPBACK_ROUND_TRIP = 'loopback-round-trip';

const SAMPLES = 9;

export async function calibrate(recorder: Recorder, clock: LabClock): Promise<void> {
  const overshoots: number[] = [];
  for (let n = 0; n < SAMPLES; n++) {
    const start = clock.monotonic();
    await clock.sleep(2);
    overshoots.push(clock.monotonic() - start - 2);
  }
  write(recorder, TIMER_OVERSHOOT, median(overshoots), [null, 100]);
  write(recorder, LOOPBACK_ROUND_TRIP, median(await roundTrips(clock)), [null, 50]);
}

async function roundTrips(clock: LabClock): Promise<number[]> {
  const server = createServer({ noDelay: true }, (socket) => socket.on('error', () => undefined).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const times: number[] = [];
  for (let n = 0; n < SAMPLES; n++) {
    const start = clock.monotonic();
    socket.write('.');
    await once(socket, 'data');
    times.push(clock.monotonic() - start);
  }
  socket.destroy();
  server.close();
  await once(server, 'close');
  return times;
}

function write(recorder: Recorder, name: string, measured: number, within: [number | null, number | null]): void {
  recorder.write({ type: 'calibration', name, measured: Math.round(measured * 1000) / 1000, unit: 'ms', within });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
