/** Further nodes of the same implementation on the same host, beside those of the scenario's own world. */
import { type LocalWorldOptions, NodeHandle, type NodesBeside, type ScenarioContext, startLocalWorld } from '@muster/lab';

export interface Company extends AsyncDisposable {
  readonly nodes: readonly NodeHandle[];
}

/** Starts them over the host directory of `host`, in its network or in one of their own. */
export async function companyOf(context: ScenarioContext, host: NodeHandle, names: readonly string[], network: 'same' | 'other'): Promise<Company> {
  const { beside } = host.target;
  if (beside && network === 'same') return followed(context, await beside(names, { line: false }));
  const { command, networkId, hostDirectory } = homeOf(host);
  return company(context, { command, nodes: names, hostDirectory, ...(network === 'same' && { networkId }) });
}

/** Starts one further node that bootstraps from the last node of a line, and dials nobody else. */
export async function endOfLine(
  context: ScenarioContext,
  last: NodeHandle,
  name: string,
  config: LocalWorldOptions['config'] = {},
): Promise<Company> {
  const { beside } = last.target;
  if (beside) return followed(context, await beside([name], { line: true, config }));
  const { command, networkId, bindAddress } = homeOf(last);
  return company(context, { command, nodes: [name], networkId, wiring: 'line', bootstrapPeers: [bindAddress], config });
}

function homeOf({ name, target: { local } }: NodeHandle) {
  if (!local) throw new Error(`${name} is not a process of this lab`);
  return { command: local.command, ...local.config };
}

async function company(context: ScenarioContext, options: LocalWorldOptions): Promise<Company> {
  const { clock, signal } = context;
  return followed(context, await startLocalWorld({ ...options, clock, signal }));
}

async function followed({ clock, record }: ScenarioContext, world: NodesBeside): Promise<Company> {
  await using stack = new AsyncDisposableStack();
  stack.use(world);
  const nodes = world.nodes.map((node) => stack.use(new NodeHandle(node, { recorder: record, clock })));
  await Promise.all(nodes.map((node) => node.introduce()));
  const owned = stack.move();
  return { nodes, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
