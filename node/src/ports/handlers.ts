/**
 * What a service supplies for each capability, derived from the registry: leaving one out, or answering with another
 * shape, does not compile. Surfaces call these and know no family by name.
 */
import type { AnyRegistry, Capability, EventOf, OutputOf, ParsedOf } from '@muster/contract';
import type { z } from 'zod';

interface HandlerContext {
  /** Aborted when the caller went away, or when the node stops and the grace for calls in flight is over. */
  readonly signal: AbortSignal;
  /** The surface asking. Streams (SSE) count as `rest`. */
  readonly surface: 'rest' | 'ws';
  /** The API token, for a page in a browser on this machine that belongs to whoever runs the node; undefined for anyone else. */
  readonly pageToken?: () => string | undefined;
}

/** What a handler answers: the output (surfaces add the `ok: true` of the `object` shape), or nothing for `empty`. */
type AnswerOf<C extends Capability> = C['shape'] extends 'empty' ? void : OutputOf<C>;

/** An answer with another success status than the usual one, or with headers of its own: `Reply.of(201, body)`. */
export class Reply<Body> {
  readonly status: number;
  readonly body: Body;
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>;

  private constructor(status: number, body: Body, headers: Readonly<Record<string, string>>) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }

  static of<Body>(status: 200 | 201, body: Body, headers: Readonly<Record<string, string>> = {}): Reply<Body> {
    return new Reply(status, body, headers);
  }
}

/** WebSocket close code for a client that does not read */
export const SLOW_CONSUMER = 1013;

type MaybePromise<T> = T | Promise<T>;

/**
 * Answers one call. Refuses by throwing `CapabilityError`; anything else thrown is a defect: the caller sees 500
 * `internal error`, the node's log sees the cause.
 */
export type Handler<C extends Capability> = (input: ParsedOf<C>, context: HandlerContext) => MaybePromise<AnswerOf<C> | Reply<AnswerOf<C>>>;

/** A subscription that already collects: whatever happens after the handler returned it will be in `events`. */
export interface LiveStream<Event> {
  /** Read by one reader. Must be bounded (`EventQueue`): a reader may be slower than what it reads. */
  readonly events: AsyncIterable<Event>;
  /** Ends `events` and frees the subscription; called exactly once, however the stream ended. */
  close(): void;
}

/** Opens a stream. Must be subscribed when it returns (or resolves): response headers are sent right after. May refuse by throwing `CapabilityError`. */
export type StreamHandler<C extends Capability> = (input: ParsedOf<C>, context: HandlerContext) => MaybePromise<LiveStream<EventOf<C>>>;

/** A frame that the node sends. */
type ServerFrameOf<C extends Capability> = {
  [K in keyof C['events'] & string]: { readonly type: K } & z.input<C['events'][K]>;
}[keyof C['events'] & string];

/** A valid frame from the client. Never `ping`: the surface answers that itself. */
type ClientFrameOf<C extends Capability> = {
  [K in Exclude<keyof NonNullable<C['frames']>, 'ping'> & string]: { readonly type: K } & z.output<NonNullable<C['frames']>[K]>;
}[Exclude<keyof NonNullable<C['frames']>, 'ping'> & string];

/** One open socket. Frames from the client arrive in order, the next one after the listener's promise for the last. */
export interface Session<Sent, Received> {
  /** UUID */
  readonly id: string;
  /**
   * Queues a frame; ignored once closed. At most 1,024 frames or 16 MiB wait for a slow client, then the socket is
   * closed with `SLOW_CONSUMER`.
   */
  send(frame: Sent): void;
  /** Set by the handler before it returns. A `CapabilityError` from it becomes an `error` frame and the socket stays open. */
  onFrame(listener: (frame: Received) => void | Promise<void>): void;
  /** Called exactly once, whoever closed, with the code when it was closed here; at once when already closed. */
  onClose(listener: (code?: number) => void): void;
  /** Says goodbye with a WebSocket close code (1000 when not given). */
  close(code?: number, reason?: string): void;
}

export type SocketSession<C extends Capability> = Session<ServerFrameOf<C>, ClientFrameOf<C>>;

/** Takes over a socket that is open. Sends `connected` first, registers its listeners and returns. */
export type SocketHandler<C extends Capability> = (session: SocketSession<C>, input: ParsedOf<C>, context: HandlerContext) => void;

type HandlerFor<C extends Capability> = C['shape'] extends 'stream' ? StreamHandler<C> : C['shape'] extends 'socket' ? SocketHandler<C> : Handler<C>;

/** One handler for every capability of a registry. */
export type Handlers<R extends AnyRegistry> = { readonly [Name in keyof R]: HandlerFor<R[Name]> };
