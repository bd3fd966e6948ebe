/** `muster shrink`: the smallest run that still fails as a bundle says one did. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type JudgeOptions, listenForInterrupt, prove, type Reduction, shrink, type ShrinkablePlan, systemClock } from '@muster/lab';
import { VERSION } from '@muster/node/host';
import type { ProofReport } from '@muster/proof';
import { sizesOf } from '@muster/suites';
import { EXIT_FAILED, EXIT_USAGE, Failure } from '../failure.ts';
import { interruptedCode } from '../interrupted-code.ts';
import { printJson, printLine } from '../output.ts';
import { targetOf } from '../prove-target.ts';
import { renderTable } from '../render.ts';
import { defined, planData, reproduceLine } from '../reproduce.ts';
import { runnerKey } from '../runner-key.ts';
import { becomeSimulationProcess, isSimulationProcess } from '../simulation.ts';
import { loadSuites } from '../suites.ts';
import { type FailedRun, failedRun, firstFailure } from './failed-run.ts';
import { type Confirm, Trials } from './trials.ts';

export interface ShrinkRequest {
  readonly bundle: string;
  /** s */
  readonly budget: number;
  /** a candidate fails when so many of so many runs do; default: 1/1 on virtual time, else 2/3 */
  readonly confirm?: Confirm | undefined;
  readonly out?: string | undefined;
  readonly json: boolean;
}

/** Resolves with 0 once the smallest run is there; 1 when the run did not fail again. @throws Failure */
export async function runShrink({ bundle, budget, confirm: asked, out, json }: ShrinkRequest): Promise<number> {
  const failed = await failedRun(bundle);
  const place = resolve(out ?? `${bundle.replace(/\/+$/u, '')}-smallest`);
  const file = failed.schedule && `${place}.schedule.json`;
  for (const path of [place, ...(file ? [file] : [])])
    if (existsSync(path)) throw new Failure(`${path} is there already; name another place with --out`, EXIT_USAGE);
  const simulated = failed.request.world === 'sim';
  if (simulated && !isSimulationProcess()) return becomeSimulationProcess();
  const confirm = asked ?? (simulated && !failed.request.realCrypto ? { times: 1, of: 1 } : { times: 2, of: 3 });
  const say = async (line: string): Promise<void> => void (json || (await printLine(line)));
  await say(`shrinking ${failed.scenario} while ${failed.requirement} fails (${failed.check}), for ${budget} s at most`);

  using interrupt = listenForInterrupt(() => systemClock.monotonic());
  const limit = AbortSignal.any([interrupt.signal, systemClock.timeout(budget * 1_000)]);
  const again = new Again(failed, file);
  const runner = (await runnerKey()).signer;
  const run = async (plan: ShrinkablePlan, at: string): Promise<ProofReport> =>
    (await prove({ ...(await again.options(plan)), out: at, runner, signal: limit })).report;
  await using trials = await Trials.open({ run, requirement: failed.requirement, place, signal: limit });
  const whole = wholePlan(failed);
  const { plan, cuts, complete } = await shrink({
    plan: whole,
    fails: (candidate) => trials.fails(candidate, confirm),
    spent: () => limit.aborted,
    lasted: failed.lasted,
    ...(!json && {
      observer: (what, { schedule, settings }) => void printLine(`  ${what}: ${schedule ? inShort(schedule) : JSON.stringify(settings)}`),
    }),
  });
  // Nothing smaller fails: is it so that the whole still does?
  if (!trials.report) await trials.fails(whole, { ...confirm, times: 1 });
  if (interrupt.signal.aborted) {
    const soFar = plan === whole ? '' : `; the smallest so far: ${await again.note(plan)}`;
    throw new Failure(`interrupted${soFar}`, interruptedCode(interrupt.signal));
  }
  const { report } = trials;
  if (!report) {
    const [why, what] = limit.aborted
      ? [`the time was over before it failed again`, 'see --budget']
      : [`it did not fail again in ${confirm.of} run${confirm.of === 1 ? '' : 's'}`, 'there is nothing to shrink by'];
    await say(`${why}: ${what}`);
    if (json) await printJson({ ok: false, error: why });
    return EXIT_FAILED;
  }
  await trials.keep();
  if (file) await writeSchedule(file, plan);
  const still = firstFailure(report, failed.requirement)!.id;
  const reproduce = report.run!.reproduce;
  if (json) await printJson({ ok: true, complete, cuts, check: still, bundle: place, ...(file && { schedule: file }), reproduce });
  else {
    const ended = complete ? [] : ['the time was over: there may be smaller ones, see --budget'];
    const files = [`bundle: ${place}`, ...(file ? [`schedule: ${file}`] : []), `again: ${reproduce}`];
    await printLine(['', ...renderTable(cuts.map(rowOf)), '', ...ended, `still fails: ${still}`, ...files].join('\n'));
  }
  return 0;
}

function wholePlan({ request, schedule, scenario }: FailedRun): ShrinkablePlan {
  if (schedule) return { settings: {}, schedule };
  const { nodes, messages, kills, duration } = request;
  return { settings: { ...sizesOf(scenario.split('/', 1)[0]!), ...defined({ nodes, messages, kills, duration }) } };
}

function inShort({ nodes, faults, operations }: NonNullable<ShrinkablePlan['schedule']>): string {
  const end = Math.max(0, ...faults.map(({ at_ms: at, for_ms: long }) => at + long));
  return `${nodes.length} nodes, ${faults.length} faults within ${end} ms, ${operations ? `${operations.length} operations` : 'load by rule'}`;
}

function rowOf({ what, unit, before, after, tried }: Reduction): Record<string, unknown> {
  const said = (size: number): string => (unit === what ? String(size) : `${size} ${unit}`);
  return { what, before: said(before), after: said(after), tried };
}

function writeSchedule(file: string, { schedule }: ShrinkablePlan): Promise<void> {
  return writeFile(file, `${JSON.stringify(schedule, undefined, 2)}\n`, { flag: 'wx' });
}

/** The failed scenario once more, with a plan in place of its own. */
class Again {
  readonly #failed: FailedRun;
  readonly #file: string | undefined;

  /** `file`: where the schedule will stand */
  constructor(failed: FailedRun, file: string | undefined) {
    this.#failed = failed;
    this.#file = file;
  }

  /** The command that does it again; its schedule stays. */
  async note(plan: ShrinkablePlan): Promise<string> {
    if (this.#file) await writeSchedule(this.#file, plan);
    return (await this.options(plan)).reproduce;
  }

  async options({ settings, schedule }: ShrinkablePlan): Promise<JudgeOptions> {
    const { request, scenario, seed } = this.#failed;
    const { nodes: _, duration: __, ...rest } = request;
    const suite = [scenario.split('/', 1)[0]!];
    const asked = { ...rest, ...settings, suite, grep: `^${scenario} `, json: false, ...(this.#file !== undefined && { schedule: this.#file }) };
    const kills = settings['kills'] ?? request.kills;
    const { suites } = await loadSuites({ nodes: settings['nodes'], kills, schedule, world: request.world });
    return {
      suites,
      target: await targetOf(asked, seed),
      selection: { suites: suite, grep: asked.grep },
      seed,
      tool: { name: 'muster', version: VERSION },
      reproduce: reproduceLine(asked, seed),
      plan: planData(asked, seed, schedule),
      settings: { ...defined({ messages: request.messages, rate: request.rate, kills, trials: request.trials }), ...settings },
    };
  }
}
