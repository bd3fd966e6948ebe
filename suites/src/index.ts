/** What is required of a node: one line per suite. */
import type { Schedule, Suite } from '@muster/lab';
import { blackHole } from './black-hole/index.ts';
import { crash } from './crash/index.ts';
import { byzantine } from './byzantine/index.ts';
import { chaos } from './chaos/index.ts';
import { defence } from './defence/index.ts';
import { discovery } from './discovery/index.ts';
import { durability } from './durability/index.ts';
import { hostile } from './hostile/index.ts';
import { isolation } from './isolation/index.ts';
import { leak } from './leak/index.ts';
import { links } from './links/index.ts';
import { input } from './input/index.ts';
import { mesh } from './mesh/index.ts';
import { network } from './network/index.ts';
import { routes } from './routes/index.ts';
import { presence } from './presence/index.ts';
import { overlay } from './overlay/index.ts';
import { soak } from './soak/index.ts';
import { slowConsumer } from './slow-consumer/index.ts';
import { scale } from './scale/index.ts';
import { smoke } from './smoke/index.ts';
import { stress } from './stress/index.ts';
import { DEFAULT_MESSAGES } from './stress/load.ts';
import { surfaces } from './surfaces/index.ts';

export { secondsOf } from './soak/steady.ts';

/** What was asked for in place of what suites take by themselves. */
export interface SuiteSize {
  /** of the suites that work with any number of nodes; 3 when not given */
  readonly nodes?: number | undefined;
  /** how often the crash suite kills a node; 20 when not given */
  readonly kills?: number | undefined;
  /** what happens in the chaos suite; drawn by chance when not given */
  readonly schedule?: Schedule | undefined;
}

const DEFAULT_NODES = 3;
const DEFAULT_KILLS = 20;

/** What suites take when they are not told, where that can be made smaller. */
const SIZES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  mesh: { nodes: DEFAULT_NODES },
  stress: { nodes: DEFAULT_NODES, messages: DEFAULT_MESSAGES },
  scale: { nodes: DEFAULT_NODES },
  crash: { kills: DEFAULT_KILLS },
};

/** By the names of the settings that say otherwise. */
export const sizesOf = (suite: string): Readonly<Record<string, number>> => SIZES[suite] ?? {};

/** Suites that last as long as they are told. */
export const lastingSuites: readonly string[] = ['chaos', 'leak', 'soak'];

/** @throws RangeError for nodes that are too few to say anything to one another */
export function suitesFor({ nodes: asked, kills = DEFAULT_KILLS, schedule }: SuiteSize = {}): readonly Suite[] {
  const nodes = asked ?? DEFAULT_NODES;
  if (!Number.isInteger(nodes) || nodes < 2) throw new RangeError(`suites need 2 nodes or more, not ${nodes}`);
  return [
    smoke,
    mesh(nodes),
    stress(nodes),
    input,
    durability,
    defence,
    links,
    network,
    surfaces,
    hostile,
    byzantine(asked),
    chaos({ nodes: asked, schedule }),
    crash(kills),
    discovery,
    routes,
    presence,
    overlay,
    slowConsumer,
    isolation,
    blackHole,
    leak,
    soak(nodes),
    scale(nodes),
  ]; // prettier-ignore
}

export const suites: readonly Suite[] = suitesFor();

/** What runs when no suite is named: the others boot worlds of their own, or wait for deadlines. */
const STANDARD: readonly string[] = ['smoke', 'mesh', 'stress'];

export const defaultSuites: readonly Suite[] = suites.filter(({ name }) => STANDARD.includes(name));

/** With more nodes than this a suite in which everybody speaks to everybody says nothing more, and takes for ever. */
const ALL_TO_ALL = 16;

/** What runs in a simulated world when no suite is named. */
export function simulatedSuites({ nodes = DEFAULT_NODES }: SuiteSize): readonly string[] {
  return nodes > ALL_TO_ALL ? ['smoke', 'scale'] : STANDARD;
}
