/** Runs the daemon in this process until it is asked to end. */
import { type Config, type Daemon, lineLog, type Log, runDaemon, VERSION } from '@muster/node';
import { loadConfig } from './daemon-config.ts';
import type { DaemonFlags } from './musterd-flags.ts';

export { ConfigError, VERSION } from '@muster/node';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A terminal and a launcher may both deliver one Ctrl-C; a signal that comes later than this insists. */
const SAME_SIGNAL_MS = 1000;

/** Resolves with the exit code after a graceful end. Throws `ConfigError` or `StartError`, each one line. */
export async function runForeground(flags: Omit<DaemonFlags, 'action' | 'warnings'>, { checkOnly = false } = {}): Promise<number> {
  const { config: file, name, apiPort, noBootstrap } = flags;
  const config = await loadConfig({ file, name, apiPort, noBootstrap });
  if (checkOnly) {
    process.stdout.write('Configuration is valid\n');
    return 0;
  }
  const log = lineLog(process.stdout, config.logLevel, config.logFormat);
  const asked = signalled(log);
  announceStart(log, config);
  await using daemon = await runDaemon({ config, log });
  announceUp(config, daemon);
  log.write('info', `API server listening on ${daemon.apiAddress}`);
  await Promise.race([daemon.closed, asked]);
  await daemon[Symbol.asyncDispose]();
  log.write('info', 'Shutdown complete');
  return 0;
}

/** As the compatible daemon tells it; nothing but people reads these lines. */
function announceStart(log: Log, config: Config): void {
  log.write('info', `Starting musterd v${VERSION}`);
  if (config.instanceName !== undefined) log.write('info', `Instance name: ${config.instanceName}`);
  log.write('info', `API address: ${config.apiAddress}`);
  log.write('info', `Bind address: ${config.bindAddress}`);
  log.write('info', `Identity directory: ${config.identityDir}`);
}

/** At any level, so that no log of a start is empty. */
function announceUp({ logFormat }: Config, { identity, apiAddress, bindAddress }: Daemon): void {
  const facts = { agent: identity.agentId, api: apiAddress, peers: bindAddress };
  lineLog(process.stderr, 'info', logFormat).write('info', `musterd v${VERSION} is up`, facts);
}

/** Resolves with the first signal that asks to end. One that comes a second later ends the process at once. */
function signalled(log: Log): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let first: number | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      first ??= performance.now();
      if (performance.now() - first > SAME_SIGNAL_MS) process.exit(1);
      log.write('info', `Received ${signal}`);
      resolve();
    });
  }
  return promise;
}
