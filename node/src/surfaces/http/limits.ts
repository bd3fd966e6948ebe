/** What bounds the HTTP surface. Everything a peer on the socket can make grow has a number here. */
export interface HttpLimits {
  /** open connections; further ones get 503 and are closed */
  readonly connections: number;
  /** open event streams and WebSockets together; further ones get 503 */
  readonly streams: number;
  /** longest request target (path and query), bytes; above: 414 */
  readonly target: number;
  /** request line and headers together, bytes; above: 431 */
  readonly head: number;
  /** requests of one connection that may wait for their answer; above: the connection is closed */
  readonly pipelined: number;
  /** ms within which a request's head, and all of a request, must have arrived; above: 408 */
  readonly headMs: number;
  readonly requestMs: number;
  /** ms that an idle connection is kept */
  readonly idleMs: number;
  /** ms and bytes spent on the rest of a body that nobody wants, so that the client gets to read its answer */
  readonly lingerMs: number;
  readonly lingerBytes: number;
  /** ms that calls in flight are given when the surface stops */
  readonly stopMs: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  connections: 1_024,
  streams: 512,
  target: 16_384,
  head: 32_768,
  pipelined: 64,
  headMs: 10_000,
  requestMs: 30_000,
  idleMs: 30_000,
  lingerMs: 1_000,
  lingerBytes: 16 * 1_048_576,
  stopMs: 2_000,
};
