import { scenario } from '@muster/lab';
import { twoOf } from '../nodes.ts';
import { required } from './requirements.ts';
import { claimSurvival } from './survival.ts';

const { contacts, trust, pins, revocations, identity } = required;

export const contactsOutliveKill = scenario({
  id: 'durability/contacts',
  title: 'contacts, trust, pins, a revocation and the identity outlive kill -9',
  requirements: [contacts.id, trust.id, pins.id, revocations.id, identity.id],
  needs: { nodes: 2, powers: ['kill'] },
  phases: {
    async drive(context) {
      const [alice, bob] = twoOf(context);
      await claimSurvival(context, alice, bob, async () => {
        const fault = await context.faults.kill(alice);
        await fault.heal();
        return fault;
      });
    },
  },
});
