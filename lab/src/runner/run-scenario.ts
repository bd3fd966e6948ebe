/** Runs one scenario through its phases. Whatever happens, faults are healed and `finally` has its turn. */
import { claims, type PhaseName } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import { DeadlineError, eventually } from '../eventually.ts';
import { partitionInOrder, partitionOf, select } from '../faults/cuts.ts';
import { cutMessage } from '../faults/cut-message.ts';
import { FaultInjector } from '../faults/fault-injector.ts';
import { halfOpen } from '../faults/half-open.ts';
import { badPaths, partition } from '../faults/link-faults.ts';
import { NodeHandle } from '../record/node-handle.ts';
import { PrerequisiteFailed, type Recorder } from '../record/recorder.ts';
import type { NodeFaults } from '../record/target-node.ts';
import { calibrationsFor } from './calibration.ts';
import type { OpenWorld } from './open-world.ts';
import type { Observer, ScenarioOutcome } from './progress-event.ts';
import { seededRandom, type SeededRandom } from './random.ts';
import type { Scenario, ScenarioContext } from './scenario.ts';
import type { Json } from '@muster/proof';

const SCENARIO_LIMIT_MS = 60_000;
const FINALLY_LIMIT_MS = 10_000;

/** Every scenario has one check of this requirement: that it came to its end. */
export const RAN = 'run.scenario-completes';
/** What a scenario needs in order to go on. */
export const PREREQUISITE = 'run.prerequisite';

export interface ScenarioRun {
  readonly recorder: Recorder;
  readonly clock: LabClock;
  readonly seed: string;
  readonly runId: string;
  readonly settings: Readonly<Record<string, Json>>;
  readonly observer: Observer;
  /** aborted when the run is interrupted */
  readonly signal: AbortSignal;
  /** the lab measured itself before */
  readonly calibrated?: boolean;
  /** records what the nodes of the world use now */
  readonly sample?: ScenarioContext['sample'];
}

class ScenarioTimeout extends Error {
  override readonly name = 'ScenarioTimeout';
}

export async function runScenario(scenario: Scenario, world: OpenWorld, run: ScenarioRun): Promise<ScenarioOutcome> {
  const { recorder, clock, observer } = run;
  const begun = clock.monotonic();
  recorder.mark();
  observer({ type: 'begun', scenario });
  const end = (outcome: ScenarioOutcome, message?: string): ScenarioOutcome => {
    const completed = claims.completed(scenario.id);
    recorder.check({ id: `${scenario.id}/completed`, requirement: RAN, level: 'MUST', title: 'runs to its end', claim: completed });
    observer({ type: 'ended', scenario, outcome, ms: clock.monotonic() - begun, ...(message !== undefined && { message }) });
    return outcome;
  };

  const missing = scenario.needs.capabilities?.find((name) => !world.capabilities.has(name));
  if (missing !== undefined) {
    const range: [number, number] = [world.seq, world.seq];
    recorder.check({
      id: `${scenario.id}/completed`,
      requirement: RAN,
      level: 'MUST',
      title: 'runs to its end',
      claim: claims.skipped(missing),
      range,
    });
    observer({ type: 'ended', scenario, outcome: 'skipped', ms: 0, message: `the target does not declare ${missing}` });
    return 'skipped';
  }

  await using stack = new AsyncDisposableStack();
  const handles = world.nodes.map((node) => {
    const handle = stack.use(new NodeHandle(node, { recorder, clock }));
    Object.assign(handle, world.ids.get(node.name));
    return handle;
  });
  const faults = stack.use(new FaultInjector(recorder, clock, scenario.id));
  const limit = new AbortController();
  const signal = AbortSignal.any([run.signal, limit.signal]);
  const timer = new AbortController();
  const limitMs = scenario.limit ?? SCENARIO_LIMIT_MS;
  clock.sleep(limitMs, timer.signal).then(() => limit.abort(new ScenarioTimeout(`not done within ${limitMs} ms`)), () => undefined); // prettier-ignore
  stack.defer(() => timer.abort());
  const context = contextOf(scenario, handles, faults, world, run, signal);
  const died = (): string | undefined => world.nodes.find((node) => node.died)?.name;

  let state: unknown;
  let ready = false;
  let broken: { outcome: ScenarioOutcome; message: string } | undefined;
  const phase = async (name: PhaseName, stop: AbortSignal, work: () => Promise<void>): Promise<void> => {
    recorder.phase(scenario.id, name, 'begin');
    try {
      await unlessAborted(work(), stop);
      recorder.phase(scenario.id, name, 'end');
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof PrerequisiteFailed) {
        broken ??= { outcome: 'stopped', message };
        recorder.phase(scenario.id, name, 'end');
        return;
      }
      const outcome = error instanceof ScenarioTimeout ? 'timeout' : 'crash';
      broken ??= { outcome, message };
      const node = died();
      recorder.phase(scenario.id, name, outcome, { message, ...(node !== undefined && { node }) });
    }
  };

  const { phases } = scenario;
  const { finally: cleanUp } = phases;
  await phase('setup', signal, async () => {
    state = await phases.setup?.(context);
    ready = true;
  });
  if (!broken) {
    const over = new AbortController();
    const beside = phases.anytime && phase('anytime', signal, () => untilOver(phases.anytime!, context, state, over.signal));
    await phase('drive', signal, () => phases.drive(context, state));
    over.abort(new Error('drive is over'));
    await beside;
  }
  if (phases.quiet || phases.eventually) await faults.healAll();
  if (!broken && phases.quiet) await phase('quiet', signal, () => phases.quiet!(context, state));
  if (!broken && phases.eventually) await phase('eventually', signal, () => phases.eventually!(context, state));
  await faults.healAll();
  if (ready && cleanUp) {
    const last = clock.timeout(FINALLY_LIMIT_MS);
    await phase('finally', last, () => cleanUp.call(phases, { ...context, signal: last }, state));
  }
  limit.abort(new Error('the scenario is over'));
  return end(broken?.outcome ?? 'complete', broken?.message);
}

/** What `anytime` throws because it was told to end is its end. */
async function untilOver(
  anytime: NonNullable<Scenario['phases']['anytime']>,
  context: ScenarioContext,
  state: unknown,
  over: AbortSignal,
): Promise<void> {
  try {
    await anytime({ ...context, signal: AbortSignal.any([context.signal, over]) }, state);
  } catch (error) {
    if (!over.aborted || error !== over.reason) throw error;
  }
}

function contextOf(
  scenario: Scenario,
  nodes: readonly NodeHandle[],
  faults: FaultInjector,
  world: OpenWorld,
  { recorder, clock, seed, runId, settings, observer, calibrated = false, sample = async () => new Map() }: ScenarioRun,
  signal: AbortSignal,
): ScenarioContext {
  let prerequisites = 0;
  let shaped = 0;
  const names = nodes.map(({ name }) => name);
  const random = seededRandom(seed, scenario.id);
  const claim: ScenarioContext['claim'] = (check, requirement, level, what, { needsFaults, ...options } = {}) => {
    if (signal.aborted) throw signal.reason as Error;
    if (requirement !== PREREQUISITE && !scenario.requirements.includes(requirement))
      throw new RangeError(`${scenario.id} does not say that it exercises ${requirement}`);
    const ids = needsFaults?.map((fault) => (typeof fault === 'string' ? fault : fault.id));
    const needsCalibrations = calibrated ? calibrationsFor(what, ids ?? []) : [];
    const result = recorder.check({
      id: `${scenario.id}/${check}`,
      requirement,
      level,
      claim: what,
      ...options,
      ...(ids && { needsFaults: ids }),
      ...(needsCalibrations.length > 0 && { needsCalibrations }),
    });
    observer({ type: 'checked', scenario, check, result });
  };
  return {
    nodes,
    links: world.links,
    powers: world.powers,
    capabilities: world.capabilities,
    settings,
    record: recorder,
    sample,
    clock,
    signal,
    random,
    topic: (name) => `muster.lab.${runId.slice(0, 8)}.${scenario.id.replace('/', '.')}.${name}`,
    claim,
    faults: {
      kill: (node, limits) => faults.inject(faultsOf(node).kill(), limits),
      pause: (node, limits) => faults.inject(faultsOf(node).pause(), limits),
      restart: (node, limits) => faults.inject(faultsOf(node).restart(), limits),
      losePower: (node, limits) => faults.inject(faultsOf(node).losePower(), limits),
      skewClock: (node, ms, limits) => faults.inject(faultsOf(node).skewClock(ms), limits),
      driftClock: (node, ppm, limits) => faults.inject(faultsOf(node).driftClock(ppm), limits),
      fillDisk: (node, limits) => faults.inject(faultsOf(node).fillDisk(), limits),
      slowDisk: (node, ms, limits) => faults.inject(faultsOf(node).slowDisk(ms), limits),
      cutMessage: (link, sender, limits) => faults.inject(cutMessage(link, sender.name), limits),
      halfOpen: (link, silent, limits) => faults.inject(halfOpen(link, silent.name), limits),
      async partition(shape, limits, order) {
        const parts = order ? partitionInOrder(shape, order) : partitionOf(shape, names, random);
        return Object.assign(await faults.inject(partition(world.links, parts), limits), { partition: parts });
      },
      badPaths(whose, conditions, limits) {
        const randomOf = (link: string): SeededRandom => seededRandom(seed, `${scenario.id} ${link} ${++shaped}`);
        const log = (link: string, decision: string): void => void recorder.observe('lab', 'shaper', link, decision);
        return faults.inject(badPaths(world.links, select(whose, names, random), conditions, randomOf, log), limits);
      },
    },
    async eventually(what, condition, within) {
      const start = clock.monotonic();
      const note = (held: boolean, ms: number): number =>
        recorder.observe('lab', 'waits', 'eventually', { what, held, within, [held ? 'ms' : 'waited']: Math.round(ms) }).seq;
      try {
        const { value, ms } = await eventually(clock, condition, { within, signal, what });
        return { held: true, value, ms, seq: note(true, ms) };
      } catch (error) {
        if (!(error instanceof DeadlineError)) throw error;
        const ms = clock.monotonic() - start;
        return { held: false, ms, seq: note(false, ms) };
      }
    },
    async need(operation, what) {
      const done = await operation;
      if (done.outcome === 'ok' && done.output !== undefined) return done.output;
      claim(`prerequisite/${++prerequisites}`, PREREQUISITE, 'MUST', claims.outcome(done, 'ok'), { title: what });
      throw new PrerequisiteFailed(done, what);
    },
  };
}

function faultsOf({ name, target }: NodeHandle): NodeFaults {
  if (!target.faults) throw new Error(`${name} is not a node of this lab`);
  return target.faults;
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort));
}
