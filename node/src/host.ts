/** What programs beside the daemon need of it: where an instance keeps its things, its configuration, its keys. Loads no part of a running node. */
export { ConfigError, INSTANCE_NAME, instanceNameOf, readConfig, splitHostPort } from './config.ts';
export type { Config, Overrides } from './config.ts';
export { nodeCrypto } from './engines/crypto.ts';
export { InstanceLockedError, lockInstance } from './engines/instance-lock.ts';
export { createKeyFile, readKeyFile, type KeyKind } from './engines/key-file.ts';
export { homeDirectory, instancePaths } from './engines/paths.ts';
export { createSecret, readSecret, SecretFileError, writeFileAtomic } from './engines/secret-file.ts';
export { VERSION } from './version.ts';
