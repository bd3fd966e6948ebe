import { placeOf, scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { heardOnce, listen, publish } from './listener.ts';
import { twoOf } from '../nodes.ts';
import { untilMeshed } from './peers.ts';
import { HEALED_MS, NOTICED_MS, required } from './requirements.ts';
import { untilLost, within } from './timing.ts';

export const killedPeer = scenario({
  id: 'links/killed',
  title: 'a killed peer is noticed, and found again at its new port',
  requirements: [required.killed.id, required.healed.id, required.newPort.id],
  needs: { nodes: 2, powers: ['kill', 'process'] },
  phases: {
    async drive(context) {
      const { claim, faults, record } = context;
      const [alice, bob] = twoOf(context);
      await untilMeshed(context, [alice, bob], HEALED_MS);
      const before = await placeOf(bob);
      const fault = await faults.kill(bob);
      const noticed = await untilLost(context, alice, bob);
      await fault.heal();
      const back = await untilMeshed(context, [alice, bob], HEALED_MS, 'linked again');
      const place = record.observe(bob.name, 'host-directory', 'address', { before: before.address, after: (await placeOf(bob)).address });
      const topic = context.topic('news');
      const listener = await listen(context, bob, topic);
      await publish(context, alice, topic, 'welcome back');
      const heard = await listener.heard('welcome back', HEALED_MS);

      const needsFaults = [fault];
      claim('noticed', required.killed.id, 'MUST', within(NOTICED_MS, fault, 'applied', noticed), { title: 'it is gone from /peers', needsFaults });
      claim('found-again', required.newPort.id, 'MUST', within(HEALED_MS, fault, 'healed', back), {
        title: 'both list each other again',
        premise: claims.differs({ seq: place.seq, at: '/data/before' }, { seq: place.seq, at: '/data/after' }),
        needsFaults,
      });
      claim('hears', required.healed.id, 'MUST', within(HEALED_MS, fault, 'healed', heard), { title: 'a message arrives', needsFaults });
      claim('once', required.healed.id, 'MUST', heardOnce(bob, topic, 'welcome back'), { title: 'it arrives once', needsFaults });
    },
  },
});
