import { claims } from '@muster/proof';
import { endOfLine } from '../links/company.ts';
import { untilLinked } from '../links/peers.ts';
import { exercise } from '../exercise.ts';
import { ARRIVAL_LIMIT_MS, countersOf, payloadOf } from '../nodes.ts';
import { theApart } from './apart.ts';

const MESSAGES = 20;
/** ms after which those that are not needed have left a topic */
const PRUNED_MS = 10_000;
/** what a node carried for others: it has nobody for it */
const CARRIED = 'gossip_no_subscriber_total';

export const offPath = exercise(
  { 'routes.off-path': 'Direct messages without a link do not visit nodes that are off the way, once it is known.' },
  {
    id: 'routes/off-path',
    title: 'nodes off the way carry no direct messages of others',
    needs: { nodes: 3, wiring: 'line', powers: ['world'], capabilities: ['direct.send', 'status.metrics', 'discovery.agents'] },
    phases: {
      async drive(context) {
        const { claim, eventually, need, record } = context;
        const { alice, bob, carol } = await theApart(context);
        await using stack = new AsyncDisposableStack();
        const names = ['dave', 'erin', 'frank'];
        const leaves = (await Promise.all(names.map(async (name) => stack.use(await endOfLine(context, bob, name)).nodes))).flat();
        await Promise.all(leaves.map((leaf) => untilLinked(context, bob, leaf, ARRIVAL_LIMIT_MS)));
        // What all nodes have in common meets at the lowest and the highest machine id.
        const ids = [alice, bob, carol, ...leaves].map(({ machineId }) => machineId).toSorted();
        const off = leaves.filter(({ machineId }) => machineId !== ids[0] && machineId !== ids.at(-1));
        const carried = async (nodes: typeof off): Promise<number> => {
          const counts = await Promise.all(nodes.map(async (node) => (await countersOf(node)).get(CARRIED) ?? 0));
          return counts.reduce((sum, count) => sum + count, 0);
        };
        const send = (text: string) => alice.rest('direct.send', { agent_id: carol.agentId, payload: payloadOf(text) });

        const last = { off: 0, relay: 0, path: '' };
        const letters = async (): Promise<boolean> => {
          const before = { off: await carried(off), relay: await carried([bob]) };
          for (let n = 1; n <= MESSAGES; n++) last.path = (await need(send(`letter ${n}`), 'a message gets through')).path;
          Object.assign(last, { off: (await carried(off)) - before.off, relay: (await carried([bob])) - before.relay });
          return last.off === 0;
        };
        const pruned = await eventually(`${MESSAGES} messages visit nobody off the way`, letters, PRUNED_MS);
        const counts = record.observe('lab', 'routes', 'carried', { ...last, nodes: off.length });

        const premise = claims.equals({ seq: counts.seq, at: '/data/path' }, 'gossip_inbox');
        const must = (check: string, what: Parameters<typeof claim>[3]): void => claim(check, 'routes.off-path', 'MUST', what, { premise });
        must('pruned', claims.atMost({ seq: pruned.seq, at: '/data/ms' }, PRUNED_MS, 'ms'));
        must('relay', claims.atLeast({ seq: counts.seq, at: '/data/relay' }, 2 * MESSAGES, 'messages'));
        must('others', claims.atLeast({ seq: counts.seq, at: '/data/nodes' }, 1, 'nodes'));
        must('off', claims.equals({ seq: counts.seq, at: '/data/off' }, 0));
      },
    },
  },
);
