/** Server-sent events (WHATWG HTML §9.2): `event: name`, `data: json`, blank line. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../ports/index.ts';
import type { LiveStream } from '../../ports/handlers.ts';

export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

export const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };

/**
 * Writes events until the source ends or `signal` says that the client left or the node stops. A client that does not
 * read stops the reading of `live.events`, whose own bound then applies. Throws what the source throws; always closes it.
 */
export async function writeEvents(
  response: ServerResponse,
  live: LiveStream<StreamEvent>,
  headers: Readonly<Record<string, string>>,
  { clock, signal, keepAliveMs }: { clock: Clock; signal: AbortSignal; keepAliveMs: number | undefined },
): Promise<void> {
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    live.close();
    response.end();
  };
  const ping = keepAliveMs ? clock.every(keepAliveMs, () => !response.writableNeedDrain && response.write(': ping\n\n')) : undefined;
  signal.addEventListener('abort', close, { once: true });
  try {
    response.writeHead(200, { ...headers, ...STREAM_HEADERS });
    response.flushHeaders();
    for await (const { event, data } of live.events) {
      if (!open) break;
      if (!response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) await drained(response, signal);
    }
  } catch (error) {
    // Cut off rather than ended: the client must not take what it has for everything.
    response.destroy();
    throw error;
  } finally {
    ping?.[Symbol.dispose]();
    signal.removeEventListener('abort', close);
    close();
  }
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
