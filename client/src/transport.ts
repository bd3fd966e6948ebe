/** How bytes reach a node. Replaceable, so that a client also works in a browser, in a simulation, or over a broken line. */

export interface WireRequest {
  readonly method: string;
  /** path and query, percent-encoded, as in the request line */
  readonly target: string;
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

interface WireHead {
  readonly status: number;
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WireResponse extends WireHead {
  readonly body: Uint8Array;
}

export interface WireStream extends WireHead {
  /** chunks as they arrive; read once; unread chunks hold the node back */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): void;
}

export interface WireSocket {
  /** text frames as they arrive; read once; ends when the socket closes */
  readonly frames: AsyncIterable<string>;
  /** throws `ConnectionError` when the socket is closed */
  send(text: string): void;
  /** frames that arrive from now on are dropped */
  close(code?: number, reason?: string): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Every method rejects with `ConnectionError`, or with the signal's reason. None has a time limit of its own. */
export interface Transport extends AsyncDisposable {
  /** the whole answer */
  request(request: WireRequest, signal?: AbortSignal): Promise<WireResponse>;
  /** resolves with the head of the answer */
  stream(request: WireRequest, signal?: AbortSignal): Promise<WireStream>;
  /** resolves once open; a node that refuses gives the answer instead */
  socket(request: Omit<WireRequest, 'method' | 'body'>, signal?: AbortSignal): Promise<WireSocket | WireResponse>;
}
