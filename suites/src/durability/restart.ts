import { scenario } from '@muster/lab';
import { twoOf } from '../nodes.ts';
import { required } from './requirements.ts';
import { claimSurvival } from './survival.ts';

const { contacts, trust, pins, revocations, identity } = required;

export const allOutlivesRestart = scenario({
  id: 'durability/restart',
  title: 'contacts, trust, pins, a revocation and the identity outlive an orderly restart',
  requirements: [contacts.id, trust.id, pins.id, revocations.id, identity.id],
  needs: { nodes: 2, powers: ['restart'] },
  phases: {
    async drive(context) {
      const [alice, bob] = twoOf(context);
      await claimSurvival(context, alice, bob, async () => {
        const fault = await context.faults.restart(alice);
        await fault.heal();
        return fault;
      });
    },
  },
});
