/** A user of one test: a home of its own, the programs as that user runs them, and nothing left afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const source = (name: string): string => fileURLToPath(new URL(`../${name}.ts`, import.meta.url));

export class OwnHome implements AsyncDisposable {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #children = new Set<ChildProcess>();

  private constructor(root: string) {
    this.root = root;
    this.env = {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      // What was compiled for one process need not be for the next: two thirds of what a command costs.
      ...(process.env['NODE_COMPILE_CACHE'] === undefined ? {} : { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
      HOME: root,
      XDG_CONFIG_HOME: join(root, 'config'),
      XDG_DATA_HOME: join(root, 'data'),
      XDG_RUNTIME_DIR: join(root, 'run'),
    };
  }

  static async create(): Promise<OwnHome> {
    const home = new OwnHome(await mkdtemp(join(tmpdir(), 'muster-cli-')));
    await mkdir(join(home.root, 'run'), { mode: 0o700 });
    return home;
  }

  /** Configuration of an instance that talks to this machine only. */
  async configure(name?: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const folder = join(this.root, 'config', name === undefined ? 'muster' : `muster-${name}`);
    const file = join(folder, 'config.toml');
    const values = { bind_address: '127.0.0.1:0', api_address: '127.0.0.1:0', lan_discovery: false, network_id: this.root.slice(-24), ...more };
    await mkdir(folder, { recursive: true });
    await writeFile(
      file,
      Object.entries(values)
        .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
        .join(''),
    );
    return file;
  }

  dataDir(name?: string): string {
    return join(this.root, 'data', name === undefined ? 'muster' : `muster-${name}`);
  }

  muster(...args: string[]): Promise<Ended> {
    return this.#end(this.spawn('muster', args));
  }

  musterd(...args: string[]): Promise<Ended> {
    return this.#end(this.spawn('musterd', args));
  }

  spawn(program: 'muster' | 'musterd', args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    return this.run(process.execPath, ['--conditions=muster-source', source(program), ...args], env);
  }

  run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    const child = spawn(command, args, { cwd: this.root, env: { ...this.env, ...env }, stdio: [stdin, 'pipe', 'pipe'] });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  async #end(child: ChildProcess): Promise<Ended> {
    const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
    return { code: child.exitCode, stdout, stderr };
  }

  /** Ends what still runs: own children, and daemons that were started in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    const data = join(this.root, 'data');
    for (const folder of await readdir(data).catch(() => [])) {
      const pid = Number(await readFile(join(data, folder, 'instance.pid'), 'utf8').catch(() => ''));
      if (pid > 1) await killed(pid);
    }
    await rm(this.root, { recursive: true, force: true });
  }
}

async function killed(pid: number): Promise<void> {
  try {
    for (process.kill(pid, 'SIGKILL'); ; await sleep(5)) process.kill(pid, 0);
  } catch {
    // It has ended.
  }
}

/** Resolves once `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, within = 15_000): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${within} ms: ${what}`);
    await sleep(10);
  }
}

/** Collects what a child says, as it says it. */
export function listen(child: ChildProcess): { readonly lines: readonly string[] } {
  const heard = { lines: [] as string[] };
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    heard.lines.push(...parts);
  });
  return heard;
}
