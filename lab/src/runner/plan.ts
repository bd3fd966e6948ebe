/** Which scenarios run, in which world, and why. */
import type { NotRunReason } from '@muster/proof';
import type { Target } from '../targets/target.ts';
import type { Wiring } from '../world/local-process.ts';
import type { Needs, Scenario, Suite } from './scenario.ts';

export interface Selection {
  /** names of suites; all when empty */
  readonly suites?: readonly string[];
  /** regular expression over scenario ids and titles */
  readonly grep?: string;
  /** one of so many parts, `index` from 1, which together run everything */
  readonly shard?: { readonly index: number; readonly of: number };
}

export interface PlannedWorld {
  /** unique in the run */
  readonly name: string;
  readonly nodes: number;
  readonly names?: readonly string[];
  readonly liars?: Needs['liars'];
  readonly wiring: Wiring;
  readonly crowd?: number;
  readonly config?: Needs['config'];
  readonly human?: boolean;
  /** faults that its scenarios ask for where they can be made */
  readonly uses?: Needs['uses'];
  readonly scenarios: readonly Scenario[];
  /** why these scenarios are here */
  readonly reason: string;
}

interface NotRun {
  readonly scenario: Scenario;
  readonly reason: NotRunReason;
}

export interface Plan {
  readonly worlds: readonly PlannedWorld[];
  readonly notRun: readonly NotRun[];
  /** the selections, in words, as they stand in the journal */
  readonly filters: readonly string[];
}

export class UnknownSuite extends Error {
  override readonly name = 'UnknownSuite';
}

/** The selection leaves nothing to run. */
export class NoScenario extends Error {
  override readonly name = 'NoScenario';
}

/** nodes of a world that takes so long to boot that one scenario which disturbs it has it when the others are done; selected alone, it has a fresh one */
const DEAR = 100;

const DISRUPTIVE = new Set<string>(['kill', 'pause', 'restart', 'half-open', 'clock', 'disk-full', 'disk-slow', 'power']);

/** @throws UnknownSuite; RangeError for a shard that there is not; NoScenario when everything is filtered out; SyntaxError for a `grep` that is no regular expression */
export function planRun(suites: readonly Suite[], target: Target, selection: Selection = {}): Plan {
  const wanted = selection.suites ?? [];
  for (const name of wanted) {
    if (!suites.some((suite) => suite.name === name)) {
      throw new UnknownSuite(`there is no suite ${name}; there are ${suites.map((suite) => suite.name).join(', ')}`);
    }
  }
  const bySuite = wanted.length > 0 ? `--suite ${wanted.join(',')}` : undefined;
  const byGrep = selection.grep === undefined ? undefined : `--grep ${selection.grep}`;
  const pattern = selection.grep === undefined ? undefined : new RegExp(selection.grep, 'iu');
  const { shard } = selection;
  if (shard && !(shard.index >= 1 && shard.index <= shard.of)) throw new RangeError(`there is no shard ${shard.index} of ${shard.of}`);
  const byShard = shard && `--shard ${shard.index}/${shard.of}`;
  const inShard = shard ? shardOf(suites, shard) : () => true;

  const notRun: NotRun[] = [];
  const shared: Scenario[] = [];
  const alone: PlannedWorld[] = [];
  for (const suite of suites) {
    for (const scenario of suite.scenarios) {
      const reason =
        bySuite !== undefined && !wanted.includes(suite.name)
          ? { filter: bySuite }
          : pattern && !pattern.test(`${scenario.id} ${scenario.title}`)
            ? { filter: byGrep! }
            : inShard(scenario)
              ? lacking(scenario, target)
              : { filter: byShard! };
      if (reason) {
        notRun.push({ scenario, reason });
        continue;
      }
      const why = whyAlone(scenario);
      if (why === undefined) shared.push(scenario);
      else {
        const { nodes, names, liars, wiring = 'host-directory', crowd, config, human, uses } = scenario.needs;
        const made = {
          ...(names && { names }),
          ...(liars && { liars }),
          ...(crowd && { crowd }),
          ...(config && { config }),
          ...(human && { human }),
          ...(uses && { uses }),
        };
        alone.push({ name: scenario.id.replace('/', '-'), nodes, wiring, ...made, scenarios: [scenario], reason: why });
      }
    }
  }
  const filters = [bySuite, byGrep, byShard].filter((filter) => filter !== undefined);
  if (
    filters.length > 0 &&
    notRun.length === suites.flatMap(({ scenarios }) => scenarios).length &&
    notRun.every(({ reason }) => 'filter' in reason)
  ) {
    throw new NoScenario(`no scenario matches ${filters.join(' ')}`);
  }
  const worlds = [...alone];
  if (shared.length > 0) {
    const nodes = Math.max(...shared.map(({ needs }) => needs.nodes));
    const last = nodes < DEAR ? -1 : worlds.findIndex((world) => world.nodes === nodes && fitsLast(world.scenarios[0]!));
    const scenarios = [...shared, ...(last < 0 ? [] : worlds.splice(last, 1)[0]!.scenarios)];
    const reason = `nothing in them disturbs the others${last < 0 ? '' : ', but for the last one'}`;
    worlds.unshift({ name: 'shared', nodes, wiring: 'host-directory', scenarios, reason });
  }
  return { worlds, notRun, filters };
}

/** relative to a scenario that shares its world: what one costs that has a world of its own to boot */
const ALONE_COSTS = 4;

/**
 * Whether a scenario belongs to the shard. Depends on the suites alone, so that shards on different machines fit together:
 * each scenario, the dearest first, goes to the shard that has least to do so far.
 */
function shardOf(suites: readonly Suite[], { index, of }: NonNullable<Selection['shard']>): (scenario: Scenario) => boolean {
  const loads = Array.from({ length: of }, () => 0);
  const mine = new Set<Scenario>();
  const costOf = (scenario: Scenario): number => (whyAlone(scenario) === undefined ? 1 : ALONE_COSTS);
  const dearestFirst = suites.flatMap(({ scenarios }) => scenarios).toSorted((a, b) => costOf(b) - costOf(a));
  for (const scenario of dearestFirst) {
    const least = loads.indexOf(Math.min(...loads));
    loads[least]! += costOf(scenario);
    if (least === index - 1) mine.add(scenario);
  }
  return (scenario) => mine.has(scenario);
}

function lacking({ needs }: Scenario, target: Target): NotRunReason | undefined {
  if (needs.nodes > target.maxNodes) return { nodes: needs.nodes };
  const wantsWorld =
    [needs.exclusive, needs.config, needs.human, needs.names, needs.liars].some((one) => one !== undefined) ||
    (needs.wiring !== undefined && needs.wiring !== 'host-directory');
  const own = [...(wantsWorld ? (['world'] as const) : []), ...(needs.crowd === undefined ? [] : (['crowd'] as const))];
  const power = [...(needs.powers ?? []), ...own].find((one) => !target.powers.includes(one));
  if (power !== undefined) return { power };
  const surface = needs.surfaces?.find((one) => !target.surfaces.includes(one));
  return surface === undefined ? undefined : { surface };
}

function whyAlone({ needs }: Scenario): string | undefined {
  if (needs.exclusive !== undefined) return needs.exclusive;
  if (needs.wiring === 'proxied') return 'its links run through proxies';
  if (needs.wiring === 'bootstrap') return 'its nodes find each other by configuration';
  if (needs.wiring === 'star') return 'its nodes find each other through one of them';
  if (needs.wiring === 'line') return 'its nodes are linked in a line';
  if (needs.config !== undefined) return 'its nodes are configured for it';
  if (needs.human) return 'its nodes belong to a human';
  if (needs.liars !== undefined) return 'some of its nodes lie';
  if (needs.names !== undefined) return 'its nodes have names of their own';
  const disruptive = disruptiveOf(needs);
  return disruptive.length > 0 ? `it may ${disruptive.join(', ')} nodes` : undefined;
}

const disruptiveOf = ({ powers }: Needs): readonly string[] => powers?.filter((power) => DISRUPTIVE.has(power)) ?? [];

/** Only what it does to its nodes keeps it from sharing them. */
function fitsLast(scenario: Scenario): boolean {
  const { uses, crowd, powers = [], ...needs } = scenario.needs;
  const quiet = { ...scenario, needs: { ...needs, powers: powers.filter((power) => !DISRUPTIVE.has(power)) } };
  return !uses && !crowd && whyAlone(quiet) === undefined;
}

/** The plan as lines of text, for `--plan`. */
export function describePlan({ worlds, notRun }: Plan): string[] {
  const lines: string[] = [];
  for (const world of worlds) {
    lines.push(`world ${world.name}: ${world.nodes} node${world.nodes === 1 ? '' : 's'}, ${world.wiring} (${world.reason})`);
    for (const scenario of world.scenarios) lines.push(`  ${scenario.id}: ${scenario.title}`);
  }
  if (notRun.length > 0) lines.push('not run:');
  for (const { scenario, reason } of notRun) if (!('filter' in reason)) lines.push(`  ${scenario.id}: ${describeReason(reason)}`);
  // What nobody asked for is no news one by one.
  const filtered = Map.groupBy(
    notRun.filter(({ reason }) => 'filter' in reason),
    ({ reason }) => describeReason(reason),
  );
  for (const [reason, those] of filtered) lines.push(`  ${those.length} scenario${those.length === 1 ? '' : 's'}: ${reason}`);
  return lines;
}

const POWER_IN_WORDS: Readonly<Record<string, string>> = {
  world: 'boot nodes',
  crowd: 'run many nodes in one process',
  dial: 'dial its nodes',
  link: 'link scripted peers to its nodes',
  process: 'look into its processes',
  clock: 'set the clocks of its nodes',
  'disk-full': 'fill the disks of its nodes',
  'disk-slow': 'slow the disks of its nodes down',
  power: 'cut the power of its nodes',
  liars: 'have some of its nodes lie',
};

export function describeReason(reason: NotRunReason): string {
  if ('filter' in reason) return `filtered out by ${reason.filter}`;
  if ('nodes' in reason) return `needs ${reason.nodes} nodes`;
  if ('power' in reason) return `needs the power to ${POWER_IN_WORDS[reason.power] ?? reason.power}`;
  return `needs the ${reason.surface} surface`;
}
