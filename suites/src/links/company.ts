/** Further nodes of the same implementation on the same host, beside those of the scenario's own world. */
import { NodeHandle, type ScenarioContext, startLocalWorld } from '@muster/lab';

export interface Company extends AsyncDisposable {
  readonly nodes: readonly NodeHandle[];
}

/** Starts them over the host directory of `host`, in its network or in one of their own. */
export async function companyOf(
  { clock, record, signal }: ScenarioContext,
  host: NodeHandle,
  names: readonly string[],
  network: 'same' | 'other',
): Promise<Company> {
  const { local } = host.target;
  if (!local) throw new Error(`${host.name} is not a process of this lab`);
  const { networkId, hostDirectory } = local.config;
  await using stack = new AsyncDisposableStack();
  const world = stack.use(
    await startLocalWorld({ command: local.command, nodes: names, hostDirectory, clock, signal, ...(network === 'same' && { networkId }) }),
  );
  const nodes = world.nodes.map((node) => stack.use(new NodeHandle(node, { recorder: record, clock })));
  await Promise.all(nodes.map((node) => node.introduce()));
  const owned = stack.move();
  return { nodes, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
