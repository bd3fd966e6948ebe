import { claims } from '@muster/proof';
import { inInbox, recordInbox } from '../durability/inbox-record.ts';
import { Load } from '../durability/load.ts';
import { exercise } from '../exercise.ts';
import { payloadOf } from '../nodes.ts';
import { theApart, unlinked } from './apart.ts';

/** enough to be in the middle of it */
const ACKNOWLEDGED = 60;

export const killed = exercise(
  { 'routes.durable': 'What was acknowledged without a link stands in the inbox once, whenever the recipient was killed.' },
  {
    id: 'routes/killed',
    title: 'every message that was acknowledged over the inbox topic before kill -9 is in the inbox, once',
    needs: { nodes: 3, wiring: 'line', powers: ['kill'], capabilities: ['direct.send', 'direct.inbox', 'discovery.agents'] },
    phases: {
      async drive(context) {
        const { claim, eventually, faults, record } = context;
        const apart = await theApart(context);
        const { alice, carol } = apart;
        const load = new Load(alice, carol);
        await eventually('the load is on', () => load.acknowledged >= ACKNOWLEDGED, 15_000);
        const { atAlice } = await unlinked(apart);
        const fault = await faults.kill(carol);
        const before = record.observe('lab', 'load', 'acknowledged before the kill', { count: load.acknowledged });
        const stopped = load.stop();
        await fault.heal();
        await stopped;
        const marker = await alice.rest('direct.send', { agent_id: carol.agentId, payload: payloadOf('after the restart') });
        await recordInbox(context, carol);

        const once = claims.deliveredExactlyOnce({
          sends: { op: 'direct.send', processes: [alice.name] },
          key: '/input/payload',
          receivers: { nodes: [carol.name] },
          receipts: inInbox(carol),
          receiptKey: '/payload',
          receiptSender: '/sender',
        });
        const needsFaults = [fault];
        claim('exactly-once', 'routes.durable', 'MUST', once, {
          premise: claims.atLeast({ seq: before.seq, at: '/data/count' }, ACKNOWLEDGED, 'messages'),
          needsFaults,
        });
        claim('goes-on', 'routes.durable', 'MUST', claims.status(marker, 200), { premise: atAlice, needsFaults });
      },
    },
  },
);
