/** Talks to one node over HTTP, server-sent events and WebSocket; every method and type comes from the contract. */
export { createClient } from './client.ts';
export type { CallName, CallOptions, Client, ClientOptions, RawRequest, SocketName, StreamName, StreamOptions } from './client.ts';
export { ConnectionError, ContractError, RefusedError } from './errors.ts';
export { EventStream } from './event-stream.ts';
export { FrameSocket } from './frame-socket.ts';
export { httpTransport } from './http-transport.ts';
export type { Transport, WireRequest, WireResponse, WireSocket, WireStream } from './transport.ts';
