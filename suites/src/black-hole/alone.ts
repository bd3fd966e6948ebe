import { type NodeHandle, type ScenarioContext, type Waited } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { untilMeshed } from '../links/peers.ts';
import { HEALED_MS, NOTICED_MS } from '../links/requirements.ts';
import { within } from '../links/timing.ts';
import { twoOf } from '../nodes.ts';

/** for a busy machine: it is the claim that decides */
const PATIENCE_MS = 30_000;

export const alone = exercise(
  {
    'black-hole.red': 'A node whose only link swallows what goes one way says within 15 s that it is degraded, and why, at either end.',
    'black-hole.green': 'Within 5 s after both directions are open again both ends are healthy.',
  },
  {
    id: 'black-hole/alone',
    title: 'a link that swallows everything in one direction turns health red at both ends',
    needs: { nodes: 2, powers: ['half-open'], wiring: 'proxied', capabilities: ['status.health'] },
    limit: 120_000,
    phases: {
      async drive(context) {
        const { claim, faults, links } = context;
        const nodes = twoOf(context);
        await untilMeshed(context, nodes, HEALED_MS);
        const before = await Promise.all(nodes.map((node) => node.rest('status.health')));
        const fault = await faults.halfOpen(links[0]!, nodes[0]);
        const red = await Promise.all(nodes.map((node) => until(context, node, 'degraded')));
        const told = await Promise.all(nodes.map((node) => node.rest('status.health')));
        const healing = fault.heal();
        const green = await Promise.all(nodes.map((node) => until(context, node, 'healthy')));
        await healing;
        for (const [index, { name }] of nodes.entries()) {
          const premise = claims.equals(at(before[index]!, '/output/status'), 'healthy');
          const options = { premise, needsFaults: [fault] };
          claim(`${name}/red`, 'black-hole.red', 'MUST', within(NOTICED_MS, fault, 'applied', red[index]!), options);
          claim(`${name}/why`, 'black-hole.red', 'MUST', claims.exists({ op: told[index]!.id, at: '/output/reason' }), options);
          claim(`${name}/green`, 'black-hole.green', 'MUST', within(HEALED_MS, fault, 'healed', green[index]!), options);
        }
      },
    },
  },
);

function until({ eventually, signal }: ScenarioContext, node: NodeHandle, wanted: string): Promise<Waited<true>> {
  return eventually(`${node.name} is ${wanted}`, async () => (await node.client.status.health({}, { signal })).status === wanted, PATIENCE_MS);
}
