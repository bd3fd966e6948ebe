/** Starts the daemon in the background, in a session of its own, and waits until it answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { registry } from '@muster/contract';
import { exchange } from './capability-call.ts';
import { connectTo } from './connection.ts';
import { loadConfig } from './daemon-config.ts';
import { entry } from './entries.ts';
import { codeOf, Failure, messageOf } from './failure.ts';
import { onInterrupt } from './interruption.ts';
import { printJson, printLine } from './output.ts';
import { render } from './render.ts';

const BOOT_LIMIT_MS = 30_000;
const END_LIMIT_MS = 5_000;
const POLL_MS = 20;
const PROBE_MS = 2000;
/** A log larger than this is put aside at the next start. */
const LOG_LIMIT_BYTES = 8 * 1024 * 1024;
const REASON_BYTES = 64 * 1024;

export interface StartOptions {
  readonly config?: string | undefined;
  readonly name?: string | undefined;
  readonly apiPort?: number | undefined;
  readonly noBootstrap: boolean;
  readonly foreground: boolean;
  readonly json: boolean;
}

interface Running {
  readonly agent_id: string;
  readonly api_address: string;
}

/** Resolves with the exit code. @throws Failure that says why the daemon did not come up */
export async function start(options: StartOptions): Promise<number> {
  if (options.foreground) return startHere(options);
  const config = await loadConfig({ ...options, file: options.config }).catch((error: unknown) => {
    throw new Failure(messageOf(error));
  });
  const { dataDir, instanceName } = config;
  const log = join(dataDir, 'musterd.log');
  const before = await probe(dataDir);
  if (before) return announce(before, true);
  const interrupted = new AbortController();
  using _ = onInterrupt((failure) => interrupted.abort(failure));
  const { child, logFrom } = launch(options, log);
  const running = await untilUp(child, dataDir, log, logFrom, interrupted.signal);
  child.unref();
  return announce(running, false, child.pid);

  async function announce(found: Running, already: boolean, pid?: number): Promise<number> {
    const name = instanceName ?? '(default)';
    const facts = { name, ...found, ...(pid !== undefined && { pid }), log };
    if (options.json) await printJson({ ok: true, already_running: already, ...facts });
    else await printLine(`${already ? 'already running' : 'started'}\n${render(facts)}`);
    return 0;
  }
}

async function startHere({ config, name, apiPort, noBootstrap }: StartOptions): Promise<number> {
  const { runForeground } = await import('./foreground.ts');
  try {
    return await runForeground({ config, name, apiPort, noBootstrap });
  } catch (error) {
    throw new Failure(messageOf(error));
  }
}

/** The daemon that answers with this instance's own token, if there is one. */
async function probe(dataDir: string): Promise<Running | undefined> {
  try {
    await using client = await connectTo(dataDir);
    const status = (await exchange(client, registry['status.get'], {}, PROBE_MS)) as Running;
    return { api_address: status.api_address, agent_id: status.agent_id };
  } catch {
    // Nobody there yet, or somebody else at an address that a killed daemon left behind.
    return undefined;
  }
}

function launch(options: StartOptions, log: string): { child: ChildProcess; logFrom: number } {
  const { fd, size } = openLog(log);
  try {
    const { flags, file } = entry('musterd');
    const args = [
      ...flags,
      file,
      ...(options.config === undefined ? [] : ['--config', options.config]),
      ...(options.name === undefined ? [] : ['--name', options.name]),
      ...(options.apiPort === undefined ? [] : ['--api-port', String(options.apiPort)]),
      ...(options.noBootstrap ? ['--no-hard-coded-bootstrap'] : []),
    ];
    return { child: spawn(process.execPath, args, { detached: true, stdio: ['ignore', fd, fd] }), logFrom: size };
  } finally {
    closeSync(fd);
  }
}

function openLog(file: string): { fd: number; size: number } {
  try {
    mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT_BYTES) renameSync(file, `${file}.1`);
    const fd = openSync(file, 'a', 0o600);
    chmodSync(file, 0o600);
    return { fd, size: statSync(file).size };
  } catch (error) {
    throw new Failure(`${file}: cannot write the log (${codeOf(error) ?? messageOf(error)}); make it writable or set data_dir`);
  }
}

/** An interrupted start leaves no daemon behind. */
async function untilUp(child: ChildProcess, dataDir: string, log: string, logFrom: number, interrupted: AbortSignal): Promise<Running> {
  const ended = once(child, 'exit').then(
    () => true,
    () => true,
  );
  const deadline = performance.now() + BOOT_LIMIT_MS;
  while (performance.now() < deadline) {
    const up = await probe(dataDir);
    if (interrupted.aborted) {
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(END_LIMIT_MS)]);
      child.kill('SIGKILL');
      throw interrupted.reason;
    }
    if (up) return up;
    if (await Promise.race([ended, sleep(POLL_MS, false)])) throw new Failure(reasonIn(log, logFrom, child));
  }
  child.kill('SIGKILL');
  throw new Failure(`the daemon did not answer within ${BOOT_LIMIT_MS / 1000} s and was ended; see ${log}`);
}

/** What the daemon complained of last. */
function reasonIn(log: string, from: number, child: ChildProcess): string {
  const how = child.signalCode ? `ended by ${child.signalCode}` : `exit status ${child.exitCode}`;
  const lines = readFileSync(log).subarray(from).subarray(-REASON_BYTES).toString('utf8').split('\n').filter(Boolean);
  const said = lines.findLast((line) => line.startsWith('musterd: '))?.slice('musterd: '.length) ?? lines.at(-1);
  return said === undefined ? `the daemon did not start (${how}) and said nothing; see ${log}` : `the daemon did not start: ${said}`;
}
