/**
 * The node: an agent's own daemon.
 * @example
 * await using daemon = await runDaemon({ config: readConfig('', 'config.toml', instancePaths(undefined)), log });
 */
export { ConfigError, INSTANCE_NAME, instanceNameOf, joinHostPort, readConfig, splitHostPort } from './config.ts';
export type { Config, DefaultPaths, Overrides } from './config.ts';
export { runDaemon, StartError } from './daemon.ts';
export type { Daemon, DaemonOptions } from './daemon.ts';
export * from './engines/index.ts';
export { createNode } from './node.ts';
export type { Node, NodePorts, NodeSettings, Services } from './node.ts';
export type * from './ports/index.ts';
export { StoreError, TransportError } from './ports/index.ts';
export type { LocalIdentity } from './services/identity/local-identity.ts';
export type { Handlers } from './ports/handlers.ts';
export { memorySurface } from './surfaces/http/index.ts';
export type { MemoryAnswer, MemoryRequest, MemorySocket, MemorySurface } from './surfaces/http/index.ts';
export { BUILT_IN_CHARTER } from './services/status/charter.ts';
export { VERSION } from './version.ts';
