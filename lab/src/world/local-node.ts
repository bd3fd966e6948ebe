/** One daemon of a local world, through all its lives: the home and the identity stay, process and API address change. */
import type { LabClock } from '../clock.ts';
import { DeadlineError, eventually } from '../eventually.ts';
import { CannotExecute, type DaemonExit, DaemonProcess } from '../process/daemon-process.ts';
import type { Reaper } from '../process/reaper.ts';
import type { Crowd } from './crowd.ts';
import type { Preload } from '../preload/preload.ts';
import type { DaemonCommand } from './daemon-command.ts';
import { type Health, probeHealth } from './health.ts';
import { forgetApi, type NodeConfig, type NodeHome, readApi } from './node-home.ts';
import type { OwnDisks } from './own-disks.ts';
import type { Tokens } from './tokens.ts';

const BOOT_LIMIT_MS = 20_000;
const CROWD_BOOT_LIMIT_MS = 60_000;
const PROBE_MS = 1000;

export class DaemonNotReady extends Error {
  override readonly name = 'DaemonNotReady';
  /** which daemon */
  readonly node: string;

  constructor(node: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.node = node;
  }
}

/** What a shell ends with when the command it was given is not executable, or not there. */
const SHELL_CANNOT_EXECUTE: readonly (number | null)[] = [126, 127];

export interface LocalNodeOptions {
  readonly name: string;
  readonly home: NodeHome;
  /** what its configuration file says */
  readonly config: NodeConfig;
  readonly command: DaemonCommand;
  /** keeps the configured bootstrap peers; else the daemon is told to have none */
  readonly bootstraps: boolean;
  readonly reaper: Reaper;
  readonly clock: LabClock;
  /** of all nodes of its world */
  readonly tokens: Tokens;
  readonly bootLimit?: number;
  /** shares its process with others; `command` is not used then */
  readonly crowd?: Crowd | undefined;
  /** its data directory is a disk of its own */
  readonly disks?: OwnDisks | undefined;
  /** what the lab puts into it, where it runs on Node */
  readonly preload?: Preload | undefined;
  /** gets what it says in its log, unless it shares its process */
  readonly said?: ((line: string) => void) | undefined;
}

export class LocalNode implements AsyncDisposable {
  readonly name: string;
  readonly home: NodeHome;
  readonly config: NodeConfig;
  readonly command: DaemonCommand;
  /** as `GET /health` told it last */
  version = '';
  readonly #options: LocalNodeOptions;
  #process: DaemonProcess | undefined;
  #api: { address: string; token: string } | undefined;
  /** who ends with it; an end that the lab did not cause is not expected */
  readonly #fate: { expectedEnd: boolean };

  constructor(options: LocalNodeOptions) {
    this.name = options.name;
    this.home = options.home;
    this.config = options.config;
    this.command = options.command;
    this.#options = options;
    this.#fate = options.crowd ?? { expectedEnd: false };
    options.crowd?.add(this);
  }

  /** `host:port` of the local API; the last one known while the daemon is down */
  get address(): string {
    return this.#known().address;
  }

  /** bearer token of the local API; a secret */
  get token(): string {
    return this.#known().token;
  }

  /** environment for other commands that belong to this node; what they start ends with the world */
  get environment(): Readonly<Record<string, string>> {
    return { ...this.home.environment, ...this.#options.reaper.environment };
  }

  get disks(): OwnDisks | undefined {
    return this.#options.disks;
  }

  get preload(): Preload | undefined {
    return this.#options.preload;
  }

  get process(): DaemonProcess {
    if (!this.#process) throw new Error(`${this.name} was never started`);
    return this.#process;
  }

  get alive(): boolean {
    return this.#process?.alive ?? false;
  }

  /** how the daemon ended, when it ended without the lab's doing */
  get died(): DaemonExit | undefined {
    return this.#fate.expectedEnd ? undefined : this.#process?.exit;
  }

  /** Starts the daemon and waits until it answers. @throws DaemonNotReady with its last words; CannotExecute */
  async start(signal?: AbortSignal): Promise<{ ms: number }> {
    const { reaper, clock, tokens, bootstraps, crowd, disks, preload, said } = this.#options;
    const { command, home, name } = this;
    if (crowd) return crowd.start(signal);
    if (this.alive) throw new Error(`${name} is running already`);
    await this.forget();
    const flags = [
      '--config',
      home.config,
      '--name',
      name,
      '--api-port',
      '0',
      ...(bootstraps ? [] : ['--no-hard-coded-bootstrap']),
      '--skip-update-check',
    ];
    this.#fate.expectedEnd = false;
    preload?.forget();
    const given = { ...home.environment, ...command.env };
    const env = preload?.environment(given) ?? given;
    const launch = {
      command: command.command,
      args: [...command.args, ...flags],
      cwd: home.root,
      log: home.log,
      env,
      said: said && ((line: string) => said(tokens.text(line))),
    };
    const daemon = await DaemonProcess.start(disks?.launch(launch) ?? launch, reaper, clock);
    try {
      return await this.answering(daemon, signal);
    } catch (error) {
      await daemon.kill();
      throw error;
    }
  }

  /** The address of a former life must not be taken for the next one's, and its token may be another one. */
  forget(): Promise<void> {
    this.#options.tokens.expect(this.home);
    return forgetApi(this.home);
  }

  /** Waits until this daemon of the process answers. @throws as `start` does */
  async answering(daemon: DaemonProcess, signal: AbortSignal | undefined): Promise<{ ms: number }> {
    const { clock, crowd, bootLimit = crowd ? CROWD_BOOT_LIMIT_MS : BOOT_LIMIT_MS } = this.#options;
    this.#process = daemon;
    try {
      return await eventually(clock, () => this.#ready(daemon), { within: bootLimit, every: 10, signal, what: `${this.name} to answer` });
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      throw new DaemonNotReady(this.name, `${error.message}. ${this.#lastWordsOf(daemon)}`, { cause: error });
    }
  }

  /** Without tokens: such words become evidence. */
  #lastWordsOf({ lastWords }: DaemonProcess): string {
    return `It said: ${this.#options.tokens.text(lastWords) || 'nothing'}`;
  }

  async #ready(daemon: DaemonProcess): Promise<boolean> {
    if (daemon.exit) {
      const how = daemon.exit.signal ?? `status ${daemon.exit.code}`;
      const said = this.#lastWordsOf(daemon);
      if (SHELL_CANNOT_EXECUTE.includes(daemon.exit.code)) throw new CannotExecute(`cannot run ${this.command.implementation}. ${said}`);
      throw new DaemonNotReady(this.name, `${this.name} ended with ${how} before it answered. ${said}`);
    }
    const api = readApi(this.home);
    if (!api) return false;
    const health = await probeHealth(api.address, PROBE_MS);
    if (health.state !== 'healthy') return false;
    this.#api = api;
    this.#options.tokens.known(this.home, api.token);
    this.version = health.version;
    return true;
  }

  /** `GET /health`, given `timeout` ms */
  health(timeout = PROBE_MS): Promise<Health> {
    return probeHealth(this.address, timeout);
  }

  /** Ends the daemon politely. */
  async stop(grace?: number): Promise<DaemonExit> {
    this.#fate.expectedEnd = true;
    return this.process.stop(grace);
  }

  /** SIGKILL. */
  async kill(): Promise<DaemonExit> {
    this.#fate.expectedEnd = true;
    return this.process.kill();
  }

  /** Says that the daemon will end of itself, or may: as asked through its API or CLI, or for want of room on its disk. */
  expectEnd(): void {
    this.#fate.expectedEnd = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#process) return;
    this.#fate.expectedEnd = true;
    await this.#process[Symbol.asyncDispose]();
  }

  #known(): { address: string; token: string } {
    if (!this.#api) throw new Error(`${this.name} has not answered yet`);
    return this.#api;
  }
}
