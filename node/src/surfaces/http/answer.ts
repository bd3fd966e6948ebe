/** A complete response as data, and how it is written. */
import type { Capability } from '@muster/contract';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../ports/index.ts';
import { Reply } from '../../ports/handlers.ts';
import type { HttpLimits } from './limits.ts';

const SHORT_BODY = 65_536;

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function json(status: number, value: unknown): Answer {
  return { status, body: JSON.stringify(value), headers: { 'content-type': 'application/json' } };
}

export function text(status: number, body: string, contentType = 'text/plain; charset=utf-8'): Answer {
  return { status, body, headers: { 'content-type': contentType } };
}

export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: '', headers };
}

/** What a handler returned, in the shape that its capability declares. */
export function success(capability: Capability, returned: unknown): Answer {
  if (!(returned instanceof Reply)) return shaped(capability, capability.status[0] ?? 200, returned);
  const answer = shaped(capability, returned.status, returned.body);
  return { ...answer, headers: { ...answer.headers, ...returned.headers } };
}

function shaped(capability: Capability, status: number, body: unknown): Answer {
  switch (capability.shape) {
    case 'empty':
      return empty(status);
    case 'text':
      return text(status, String(body), capability.contentType);
    case 'bare':
      return json(status, body);
    default:
      return json(status, { ok: true, ...(body as object) });
  }
}

/** Writes the answer, unless the client is gone. Never rejects. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  headers: Readonly<Record<string, string>>,
  { clock, limits }: { clock: Clock; limits: HttpLimits },
): Promise<void> {
  if (response.destroyed) return;
  const head: Record<string, string | number> = { ...answer.headers, ...headers, 'x-content-type-options': 'nosniff' };
  if (answer.status !== 204) head['content-length'] = Buffer.byteLength(answer.body);
  const unread = !request.complete && !endsSoon(request);
  if (unread) head['connection'] = 'close';
  response.writeHead(answer.status, head);
  const body = request.method === 'HEAD' ? '' : answer.body;
  if (unread) {
    if (body === '') response.flushHeaders();
    else response.write(body);
    // Closing with bytes unread makes the kernel reset the connection, and the client may never see the answer.
    await discard(request, clock, limits);
    response.end();
  } else {
    response.end(body);
  }
}

/** Whether what is left of the body is so little that it is read for the sake of the next request. */
function endsSoon({ headers }: IncomingMessage): boolean {
  return headers.expect === undefined && Number(headers['content-length'] ?? Number.NaN) <= SHORT_BODY;
}

/** Reads and throws away what is left of a body, within limits. */
function discard(request: IncomingMessage, clock: Clock, limits: HttpLimits): Promise<void> {
  return new Promise((resolve) => {
    let left = limits.lingerBytes;
    const timer = clock.after(limits.lingerMs, done);
    function done(): void {
      timer[Symbol.dispose]();
      request.off('data', count).off('end', done).off('close', done).pause();
      resolve();
    }
    function count(chunk: Buffer): void {
      left -= chunk.length;
      if (left < 0) done();
    }
    request.on('data', count).on('end', done).on('close', done).resume();
  });
}
