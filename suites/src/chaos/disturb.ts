/** One fault of a schedule, on the nodes that are drawn for it. */
import { type DrawnFault, type Fault, isOfNode, linkConditions, type NodeFault, type NodeHandle, type ScenarioContext, shapeOf } from '@muster/lab';

const SKEW_MS = 20_000;
const SLOW_SYNC_MS = 40;
/** half as fast again: a drift that shows within seconds */
const DRIFT_PPM = 500_000;

export interface Disturbance {
  readonly faults: readonly Fault[];
  /** nodes of each side still reach one another */
  readonly sides: readonly (readonly NodeHandle[])[];
}

export async function disturb(context: ScenarioContext, drawn: DrawnFault): Promise<Disturbance> {
  const { kind, on } = drawn;
  const { faults, links, nodes } = context;
  const shape = shapeOf(kind);
  if (shape) {
    const fault = await faults.partition(shape, undefined, on);
    return { faults: [fault], sides: fault.partition.groups.map((group) => nodes.filter(({ name }) => group.includes(name))) };
  }
  const sufferers = on.map((name) => nodes.find((node) => node.name === name)!);
  if (kind === 'bad-paths') return { faults: [await faults.badPaths([...on], linkConditions(drawn.quality))], sides: [nodes] };
  if (isOfNode(kind)) {
    const broken = await Promise.all(sufferers.map((node) => ofNode(context, kind, node, drawn)));
    return { faults: broken, sides: [nodes.filter((node) => !sufferers.includes(node))] };
  }
  const link = links.find(({ from, to }) => on.includes(from) && on.includes(to));
  if (!link) throw new Error(`no link between ${on.join(' and ')} can be broken`);
  const [first] = sufferers as [NodeHandle];
  const fault = await (kind === 'half-open' ? faults.halfOpen(link, first) : faults.cutMessage(link, first));
  return { faults: [fault], sides: [kind === 'half-open' ? nodes.filter((node) => node !== first) : nodes] };
}

function ofNode({ faults }: ScenarioContext, kind: NodeFault, node: NodeHandle, { by_ms: ms, by_ppm: ppm }: DrawnFault): Promise<Fault> {
  switch (kind) {
    case 'restart':
      return faults.restart(node);
    case 'pause':
      return faults.pause(node);
    case 'power-loss':
      return faults.losePower(node);
    case 'clock-skew':
      return faults.skewClock(node, ms ?? SKEW_MS);
    case 'clock-drift':
      return faults.driftClock(node, ppm ?? DRIFT_PPM);
    case 'disk-full':
      return faults.fillDisk(node);
    case 'disk-slow':
      return faults.slowDisk(node, ms ?? SLOW_SYNC_MS);
    case 'kill':
      return faults.kill(node);
  }
}
