/** How a client reaches the API of a simulated node: through the node's own surface, at a moment of virtual time. */
import { ConnectionError, type Transport, type WireRequest, type WireResponse, type WireSocket } from '@muster/client';
import type { MemoryAnswer, MemorySocket, MemorySurface } from '@muster/node';
import type { Machine } from './machine.ts';
import type { Schedule } from './schedule.ts';
import type { Trace } from './trace.ts';

/** virtual ms that a call takes to reach the API, and its answer to come back */
const API_MS = 0.0625;

export function apiTransport(machine: Machine, schedule: Schedule, trace: Trace): Transport {
  const lost = (sent: boolean): ConnectionError => new ConnectionError(`${sent ? 'lost the connection to' : 'cannot reach'} ${machine.name}`, sent);

  /** Time passes until it has its result. */
  function call<T>(work: (surface: MemorySurface) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const { life, surface, index } = machine;
    const wait = schedule.wait();
    let over = false;
    const settle = (act: () => void): void => {
      if (over) return;
      over = true;
      wait[Symbol.dispose]();
      ended[Symbol.dispose]();
      signal?.removeEventListener('abort', abort);
      act();
    };
    const abort = (): void => settle(() => reject(signal!.reason as Error));
    const ended = machine.onEnd(() => settle(() => reject(lost(true))));
    signal?.addEventListener('abort', abort, { once: true });
    const later = (task: () => void): void => void schedule.at((life?.now ?? schedule.now) + API_MS, task);
    if (!life || !surface) later(() => settle(() => reject(lost(false))));
    else {
      schedule.at(
        schedule.now + API_MS,
        () => {
          trace.note('call', schedule.now, index, 0);
          work(surface).then(
            (result) => later(() => settle(() => resolve(result))),
            () => later(() => settle(() => reject(lost(true)))),
          );
        },
        life,
      );
    }
    return promise;
  }

  async function* chunksOf({ chunks, close }: MemoryAnswer, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    let cut = false;
    using _ended = machine.onEnd(() => {
      cut = true;
      close();
    });
    signal?.addEventListener('abort', close, { once: true });
    try {
      yield* chunks;
      if (signal?.aborted) throw signal.reason;
      if (cut) throw lost(true);
    } finally {
      signal?.removeEventListener('abort', close);
      close();
    }
  }

  const whole = async (answer: MemoryAnswer): Promise<WireResponse> => {
    const parts: Uint8Array[] = [];
    for await (const part of answer.chunks) parts.push(part);
    return { status: answer.status, headers: answer.headers, body: Buffer.concat(parts) };
  };

  const socketOf = ({ frames, closed, close, send }: MemorySocket): WireSocket => {
    let open = true;
    void closed.then(() => (open = false));
    const ended = machine.onEnd(() => close(1006, ''));
    void closed.then(() => ended[Symbol.dispose]());
    return {
      frames,
      closed,
      close,
      send(text) {
        if (!open) throw new ConnectionError(`the socket to ${machine.name} is closed`, false);
        const wait = schedule.wait();
        schedule.at(schedule.now + API_MS, () => {
          wait[Symbol.dispose]();
          send(text);
        });
      },
    };
  };

  return {
    request: (request, signal) => call(async (surface) => whole(await surface.request(request)), signal),
    async stream(request, signal) {
      const answer = await call((surface) => surface.request(request), signal);
      return { status: answer.status, headers: answer.headers, chunks: chunksOf(answer, signal), close: answer.close };
    },
    async socket(request, signal) {
      const asked: WireRequest = { method: 'GET', ...request };
      const answer = await call(async (surface) => {
        const opened = await surface.socket(asked);
        return 'frames' in opened ? opened : whole(opened);
      }, signal);
      return 'frames' in answer ? socketOf(answer) : answer;
    },
    async [Symbol.asyncDispose]() {},
  };
}
