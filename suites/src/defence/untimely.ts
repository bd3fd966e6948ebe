import { futureTimes, scenario, staleTimes } from '@muster/lab';
import { required } from './requirements.ts';
import { Stage } from './stage.ts';

/** twice the clock skew that is allowed */
const BEYOND_MS = 60_000;
const STALE = 'news of the day before';
const EARLY = 'news of tomorrow';

export const untimely = scenario({
  id: 'defence/untimely',
  title: 'messages from too far in the past or the future are dropped',
  requirements: [required.untimely.id, required.unharmed.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics'] },
  phases: {
    async drive(context) {
      await using stage = await Stage.set(context, {
        stale: 'gossip_rejected_total{reason="stale"}',
        future: 'gossip_rejected_total{reason="future"}',
        direct: 'dm_incoming_decode_failed_total',
      });
      const now = context.clock.now();
      const [past, future] = [staleTimes(now, BEYOND_MS), futureTimes(now, BEYOND_MS)];
      stage.publish(await stage.said(STALE, past));
      stage.publish(await stage.said(EARLY, future));
      stage.link.send({ kind: 'direct', envelope: await stage.written(STALE, past) });
      stage.link.send({ kind: 'direct', envelope: await stage.written(EARLY, future) });
      await stage.send(await stage.written('a timely letter'));
      await stage.settle();

      stage.claimUnheard('old-news', required.untimely, STALE, 'what has expired is not delivered');
      stage.claimUnheard('early-news', required.untimely, EARLY, 'what is not yet issued is not delivered');
      await stage.claimNotInInbox('letters', required.untimely, [STALE, EARLY], 'an untimely letter is not taken');
      stage.claimCounted('stale', required.untimely, 1, 'the old message is counted as stale');
      stage.claimCounted('future', required.untimely, 1, 'the early message is counted as from the future');
      stage.claimCounted('direct', required.untimely, 2, 'both letters are counted');
      await stage.claimUnharmed();
    },
  },
});
