import { scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { payloadOf, twoOf } from '../nodes.ts';
import { untilMeshed } from '../links/peers.ts';
import { inInbox, recordInbox } from './inbox-record.ts';
import { required } from './requirements.ts';
import { claimSurvival } from './survival.ts';

const { contacts, trust, pins, revocations, identity, received } = required;
const MESSAGES = 20;

/** Where the power can be cut: a kill leaves what the system has not written yet. */
export const allOutlivesPowerLoss = scenario({
  id: 'durability/power',
  title: 'what was acknowledged outlives a loss of power',
  requirements: [contacts.id, trust.id, pins.id, revocations.id, identity.id, received.id],
  needs: { nodes: 2, powers: ['power'], capabilities: ['direct.send', 'direct.inbox'] },
  phases: {
    async drive(context) {
      const { claim, faults, need } = context;
      const [alice, bob] = twoOf(context);
      await untilMeshed(context, [alice, bob], 5000);
      const send = (text: string) => need(bob.rest('direct.send', { agent_id: alice.agentId, payload: payloadOf(text) }), 'a message is taken');
      for (let n = 1; n <= MESSAGES; n++) await send(`letter ${n}`);
      await claimSurvival(context, alice, bob, async () => {
        const fault = await faults.losePower(alice);
        await fault.heal();
        return fault;
      });
      await untilMeshed(context, [alice, bob], 30_000, 'linked again');
      await recordInbox(context, alice);
      const once = claims.deliveredExactlyOnce({
        sends: { op: 'direct.send', processes: [bob.name] },
        key: '/input/payload',
        receivers: { nodes: [alice.name] },
        receipts: inInbox(alice),
        receiptKey: '/payload',
        receiptSender: '/sender',
      });
      claim('letters', received.id, 'MUST', once, { title: 'every letter that was acknowledged is in the inbox, once' });
    },
  },
});
