/** A whole run: plan, worlds, scenarios, verdict; `prove` makes a bundle of it, `judge` only looks. */
import { copyFile, readdir, readFile, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  type AppendSink,
  bootPart,
  claims,
  evaluate,
  type JournalLine,
  JournalWriter,
  type Json,
  type ProofReport,
  type Redactor,
  reportOf,
  type RunStarted,
  type Signer,
  writeBundle,
} from '@muster/proof';
import { type LabClock, systemClock } from '../clock.ts';
import { type KillRate, recordKillRate } from '../oracles/kill-rate.ts';
import { startReaper } from '../process/reaper.ts';
import { Recorder } from '../record/recorder.ts';
import { ResourceSampler } from '../record/resource-sampler.ts';
import { settled } from '../targets/settled.ts';
import type { Target } from '../targets/target.ts';
import { calibrate, offeredRate } from './calibration.ts';
import { openWorld, type OpenWorld, signersOf, TargetDown, TargetUntrusted } from './open-world.ts';
import { PartialJournal } from './partial-journal.ts';
import { type Plan, type PlannedWorld, planRun, type Selection } from './plan.ts';
import type { Observer } from './progress-event.ts';
import { RAN, runScenario, type ScenarioRun } from './run-scenario.ts';
import type { Suite } from './scenario.ts';

export interface JudgeOptions {
  readonly suites: readonly Suite[];
  readonly target: Target;
  readonly selection?: Selection;
  readonly seed: string;
  readonly tool: RunStarted['tool'];
  /** the command that does it again */
  readonly reproduce: string;
  /** handed to the scenarios and kept as inputs: `messages`, `rate` … */
  readonly settings?: Readonly<Record<string, Json>>;
  /** what it takes to do it again, as data */
  readonly plan?: Json;
  readonly versions?: Readonly<Record<string, string>>;
  readonly expectedFailures?: RunStarted['expectedFailures'];
  /** of the suites, where it is known */
  readonly killRate?: KillRate | undefined;
  /** ms by part (`boot`, or a suite's name); one that takes longer is a warning, of nobody's failure */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly observer?: Observer;
  /** aborted: the scenario that runs is ended, and the bundle says that the run was interrupted */
  readonly signal?: AbortSignal;
  readonly clock?: LabClock;
}

export interface ProveOptions extends JudgeOptions {
  /** where the bundle will stand; must not exist */
  readonly out: string;
  /** signs the bundle */
  readonly runner: Signer;
}

export interface ProveResult {
  readonly report: ProofReport;
  /** the bundle's directory */
  readonly bundle: string;
  /** ms that writing and signing the bundle took */
  readonly bundleMs: number;
}

/** A secret was found in a bundle that had been written; the bundle is removed. */
export class SecretInBundle extends Error {
  override readonly name = 'SecretInBundle';
}

/** What was recorded stays beside the bundle's place when the run is killed, or breaks. @throws UnknownSuite, NoScenario, TargetAddressError, PartialInTheWay before anything is written */
export async function prove(options: ProveOptions): Promise<ProveResult> {
  const { observer = () => undefined } = options;
  const { plan, clock } = await prepared(options);
  await using stack = new AsyncDisposableStack();
  const { directory: folder } = stack.use(await startReaper('muster-prove-'));
  const partial = stack.use(await PartialJournal.open(options.out));
  const interrupted = (): void => void (partial.kept = false);
  options.signal?.addEventListener('abort', interrupted, { once: true });
  const { file: journal } = partial;
  const { writer, recorder, session } = await run(options, plan, clock, { sink: journal, folder, stack });
  journal.close();
  observer({ type: 'bundling' });
  const bundling = systemClock.monotonic();
  // A signature of the test scheme says nothing outside of its simulation.
  const nodes = session.last && !options.target.simulated ? await signersOf(session.last, recorder, clock, stack) : [];
  await session.keepLogs();
  const { redactor } = writer;
  const written = await writeBundle({ directory: options.out, journal: journal.path, logs: session.logs, runner: options.runner, nodes, redactor });
  partial.kept = false;
  await refuseSecrets(written.directory, redactor);
  const bundleMs = Math.round(systemClock.monotonic() - bundling);
  observer({ type: 'finished', report: written.report, bundle: written.directory, unsigned: written.unsigned });
  return { report: written.report, bundle: written.directory, bundleMs };
}

/** The same run, of which nothing stays but its report. @throws as `prove` */
export async function judge(options: JudgeOptions): Promise<ProofReport> {
  const { plan, clock } = await prepared(options);
  const lines: JournalLine[] = [];
  {
    await using stack = new AsyncDisposableStack();
    await run(options, plan, clock, { onLine: (line) => lines.push(line), stack });
  }
  return reportOf(await evaluate(() => [lines]));
}

async function prepared({ suites, target, selection, clock = target.simulated?.clock ?? systemClock }: JudgeOptions) {
  const plan = planRun(suites, target, selection);
  await target.reach?.();
  return { plan, clock };
}

interface RunParts {
  readonly sink?: AppendSink;
  readonly onLine?: (line: JournalLine) => void;
  /** for the logs of worlds that are closed; they are not kept without one */
  readonly folder?: string;
  /** owns the world that is still up in the end */
  readonly stack: AsyncDisposableStack;
}

const NOWHERE: AppendSink = { append: () => undefined, flush: async () => undefined };

async function run(options: JudgeOptions, plan: Plan, clock: LabClock, { sink = NOWHERE, onLine, folder, stack }: RunParts) {
  const { target, seed, settings = {}, observer = () => undefined, signal = new AbortController().signal } = options;
  const { simulated } = target;
  const start = clock.monotonic();
  const writer = new JournalWriter({ sink, elapsed: () => clock.monotonic() - start, ...(onLine && { onLine }) });
  const recorder = new Recorder(writer, { live: onLine === undefined || options.observer !== undefined });
  const runId = simulated?.runId ?? randomUUID();
  writeStart(recorder, runId, plan, options, clock);
  observer({ type: 'planned', plan, seed });

  // What a simulation measured of itself would be what it was told.
  const calibrated = !simulated;
  const session = new Session({ recorder, clock, seed, runId, settings, observer, signal, calibrated }, target, folder);
  stack.use(session);
  if (calibrated) {
    const paths = plan.worlds.some(({ wiring }) => wiring === 'proxied');
    if (options.killRate) recordKillRate(recorder, options.killRate);
    await calibrate(recorder, { clock, seed, paths, rate: offeredRate(settings, plan.worlds) });
  }
  await session.run(plan);
  if (!signal.aborted) claimBudgets(recorder, plan, options.budgets ?? {});

  if (simulated) recorder.observe('lab', 'simulation', 'done', simulated.summary());
  recorder.write({ type: 'run', stage: 'finished', outcome: signal.aborted ? 'interrupted' : 'complete' });
  return { writer, recorder, session };
}

function writeStart(recorder: Recorder, runId: string, plan: Plan, options: JudgeOptions, clock: LabClock): void {
  const { seed, tool, reproduce, settings = {}, target } = options;
  recorder.write({
    type: 'run',
    stage: 'started',
    runId,
    startedAt: new Date(clock.now()).toISOString(),
    tool,
    seed,
    reproduce,
    replay: target.simulated?.replay ?? {
      level: 'L1',
      note: 'real processes: the seed repeats every decision of the scenarios, not the schedule of the machines',
    },
    inputs: {
      ...settings,
      ...(options.plan !== undefined && { plan: options.plan }),
      target: target.implementation,
      suites: options.suites.map(({ name }) => name),
    },
    filters: [...plan.filters],
    expectedFailures: [...(options.expectedFailures ?? [])],
    versions: { node: process.versions.node, platform: `${process.platform}-${process.arch}`, ...options.versions },
  });
}

/** Requirement of every check that a part of the run took no longer than planned. */
const BUDGET = 'run.budget';

function claimBudgets(recorder: Recorder, { worlds }: Plan, budgets: Readonly<Record<string, number>>): void {
  recorder.mark();
  const ran = new Set(worlds.flatMap(({ scenarios }) => scenarios.map(({ id }) => id.split('/', 1)[0]!)));
  for (const [part, limit] of Object.entries(budgets)) {
    if (part !== bootPart && !ran.has(part)) continue;
    const claim = claims.withinBudget(part, limit);
    recorder.check({ id: `run/budget/${part}`, requirement: BUDGET, level: 'SHOULD', title: `${part} keeps its time`, claim, blame: 'lab' });
  }
}

/** The worlds of a run, one after the other. */
class Session implements AsyncDisposable {
  /** the world that is still up when all is done: its nodes sign */
  last: OpenWorld | undefined;
  readonly logs: { name: string; path: string }[] = [];
  readonly #opened = new Set<string>();
  readonly #run: ScenarioRun;
  readonly #target: Target;
  readonly #folder: string | undefined;
  #sampler: ResourceSampler | undefined;

  constructor(run: ScenarioRun, target: Target, folder: string | undefined) {
    this.#run = run;
    this.#target = target;
    this.#folder = folder;
  }

  async run({ worlds, notRun }: Plan): Promise<void> {
    const { recorder, signal } = this.#run;
    try {
      for (const planned of worlds) await this.#runWorld(planned);
    } catch (error) {
      if (!(error instanceof TargetUntrusted || error instanceof TargetDown) && !signal.aborted) throw error;
    }
    await this.#stopSampling();
    this.last?.tellLeftOut();
    for (const { scenario, reason } of notRun) {
      const range: [number, number] = [1, recorder.seq];
      recorder.check({
        id: `${scenario.id}/completed`,
        requirement: RAN,
        level: 'MUST',
        title: 'runs to its end',
        claim: claims.notRun(reason),
        range,
      });
    }
  }

  async #runWorld(planned: PlannedWorld): Promise<void> {
    await this.#close();
    for (const scenario of planned.scenarios) {
      if (this.#run.signal.aborted) return;
      // What a scenario broke must not be held against the next one.
      if (this.last?.nodes.some((node) => node.died)) await this.#close();
      this.last ??= await this.#open(planned);
      await runScenario(scenario, this.last, { ...this.#run, sample: async () => (await this.#sampler?.look()) ?? new Map() });
    }
  }

  async #open(planned: PlannedWorld): Promise<OpenWorld> {
    const { recorder, clock, signal, observer, runId } = this.#run;
    const name = this.#opened.has(planned.name) ? `${planned.name}-again-${recorder.seq}` : planned.name;
    this.#opened.add(name);
    observer({ type: 'booting', world: planned });
    const asBooted = planned.name !== 'shared' || planned.scenarios.some(({ needs }) => needs.unlinked);
    const target = asBooted ? this.#target : settled(this.#target, clock);
    const world = await openWorld(planned, name, { target, recorder, clock, signal, nonce: runId.slice(0, 8) });
    observer({ type: 'booted', world: planned, bootMs: world.bootMs });
    this.#sampler = new ResourceSampler(world.nodes, { recorder, clock, metrics: world.capabilities.has('status.metrics') });
    return world;
  }

  /** Copies what the nodes of the open world have said so far. */
  async keepLogs(): Promise<void> {
    const folder = this.#folder;
    if (folder === undefined) return;
    for (const { node, path } of this.last?.logs ?? []) {
      const name = `${this.last!.name}-${node}.log`;
      const kept = join(folder, name);
      await copyFile(path, kept);
      this.logs.push({ name, path: kept });
    }
  }

  async #close(): Promise<void> {
    if (!this.last) return;
    await this.#stopSampling();
    await this.keepLogs();
    await this.last[Symbol.asyncDispose]();
    this.last = undefined;
  }

  async #stopSampling(): Promise<void> {
    await this.#sampler?.[Symbol.asyncDispose]();
    this.#sampler = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopSampling();
    await this.last?.[Symbol.asyncDispose]();
  }
}

async function refuseSecrets(bundle: string, redactor: Redactor): Promise<void> {
  for (const entry of await readdir(bundle, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (!redactor.findsIn((await readFile(path)).toString('latin1'))) continue;
    await rm(bundle, { recursive: true, force: true });
    throw new SecretInBundle(`a secret of the run had found its way into ${path}; the bundle was removed`);
  }
}
