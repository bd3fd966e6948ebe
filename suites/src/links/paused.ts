import { scenario } from '@muster/lab';
import { heardOnce, listen, publish } from './listener.ts';
import { twoOf } from '../nodes.ts';
import { untilMeshed } from './peers.ts';
import { HEALED_MS, NOTICED_MS, required } from './requirements.ts';
import { untilLost, within } from './timing.ts';

export const pausedPeer = scenario({
  id: 'links/paused',
  title: 'a peer that stands still is noticed, and linked again when it goes on',
  requirements: [required.paused.id, required.healed.id],
  needs: { nodes: 2, powers: ['pause'] },
  phases: {
    async drive(context) {
      const { claim, faults } = context;
      const [alice, bob] = twoOf(context);
      await untilMeshed(context, [alice, bob], HEALED_MS);
      const topic = context.topic('news');
      const listener = await listen(context, bob, topic);
      const fault = await faults.pause(bob);
      const noticed = await untilLost(context, alice, bob);
      const healing = fault.heal();
      const back = await untilMeshed(context, [alice, bob], HEALED_MS, 'linked again');
      await publish(context, alice, topic, 'good morning');
      const heard = await listener.heard('good morning', HEALED_MS);
      await healing;

      const needsFaults = [fault];
      claim('noticed', required.paused.id, 'MUST', within(NOTICED_MS, fault, 'applied', noticed), { title: 'it is gone from /peers', needsFaults });
      claim('back', required.healed.id, 'MUST', within(HEALED_MS, fault, 'healed', back), { title: 'both list each other again', needsFaults });
      claim('hears', required.healed.id, 'MUST', within(HEALED_MS, fault, 'healed', heard), { title: 'a message arrives', needsFaults });
      claim('once', required.healed.id, 'MUST', heardOnce(bob, topic, 'good morning'), { title: 'it arrives once', needsFaults });
    },
  },
});
