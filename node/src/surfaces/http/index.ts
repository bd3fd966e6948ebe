/**
 * REST, server-sent events and WebSocket for any registry, over `node:http`.
 * @example
 * await using surface = await serveHttp({ registry, handlers, token: () => token, address: '127.0.0.1:0', clock, onError });
 */
export { serveHttp } from './serve.ts';
export type { HttpOptions, HttpSurface } from './serve.ts';
export { memorySurface } from './memory.ts';
export type { MemoryAnswer, MemoryRequest, MemorySocket, MemorySurface } from './memory.ts';
