/** The recipient is killed while messages come in: what it had acknowledged by then must stand in its inbox. */
import { scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { payloadOf, twoOf } from '../nodes.ts';
import { untilMeshed } from '../links/peers.ts';
import { inInbox, recordInbox } from './inbox-record.ts';
import { Load } from './load.ts';
import { required } from './requirements.ts';

/** enough to be in the middle of it */
const ACKNOWLEDGED = 60;

export const acknowledgedMessagesOutliveKill = scenario({
  id: 'durability/inbox',
  title: 'every message that was acknowledged before kill -9 is in the inbox, once',
  requirements: [required.received.id],
  needs: { nodes: 2, powers: ['kill'], capabilities: ['direct.send', 'direct.inbox'] },
  phases: {
    async drive(context) {
      const { claim, eventually, faults, record } = context;
      const [alice, bob] = twoOf(context);
      await untilMeshed(context, [alice, bob], 5000);
      const load = new Load(bob, alice);
      await eventually('the load is on', () => load.acknowledged >= ACKNOWLEDGED, 10_000);
      const fault = await faults.kill(alice);
      const before = record.observe('lab', 'load', 'acknowledged before the kill', { count: load.acknowledged });
      const stopped = load.stop();
      await fault.heal();
      await stopped;

      const linked = await untilMeshed(context, [alice, bob], 5000, 'linked again');
      const marker = await bob.rest('direct.send', { agent_id: alice.agentId, payload: payloadOf('after the restart') });
      await recordInbox(context, alice);

      const premise = claims.atLeast({ seq: before.seq, at: '/data/count' }, ACKNOWLEDGED, 'messages');
      const once = claims.deliveredExactlyOnce({
        sends: { op: 'direct.send', processes: [bob.name] },
        key: '/input/payload',
        receivers: { nodes: [alice.name] },
        receipts: inInbox(alice),
        receiptKey: '/payload',
        receiptSender: '/sender',
      });
      const title = 'everything acknowledged is in the inbox, nothing twice';
      claim('exactly-once', required.received.id, 'MUST', once, { title, premise, needsFaults: [fault] });
      claim('goes-on', required.received.id, 'MUST', claims.status(marker, 200), {
        title: 'messages are taken again after the restart',
        premise: claims.exists({ seq: linked.seq, at: '/data/ms' }),
        needsFaults: [fault],
      });
    },
  },
});
