import { scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { companyOf } from './company.ts';
import { heardOnce, listen, publish } from './listener.ts';
import { twoOf } from '../nodes.ts';
import { untilMeshed } from './peers.ts';
import { HEALED_MS, JOINED_MS, required } from './requirements.ts';

export const lateJoiner = scenario({
  id: 'links/late-joiner',
  title: 'a node that starts late is linked with the others, without configuration',
  requirements: [required.lateJoiner.id],
  needs: { nodes: 2, powers: ['world'], exclusive: 'a further node joins it' },
  phases: {
    async drive(context) {
      const { claim, record } = context;
      const [alice, bob] = twoOf(context);
      const settled = await untilMeshed(context, [alice, bob], HEALED_MS);
      await using company = await companyOf(context, alice, ['late'], 'same');
      const late = company.nodes[0]!;
      const up = record.observe(late.name, 'lab', 'answers', { machine_id: late.machineId });
      const linked = await untilMeshed(context, [alice, bob, late], JOINED_MS);
      const topic = context.topic('welcome');
      const listener = await listen(context, late, topic);
      await publish(context, alice, topic, 'welcome');
      await listener.heard('welcome', HEALED_MS);
      claim('linked', required.lateJoiner.id, 'MUST', claims.elapsedAtMost({ seq: up.seq }, { seq: linked.seq }, JOINED_MS), {
        title: 'all list each other within 2 s',
        premise: claims.exists({ seq: settled.seq, at: '/data/ms' }),
      });
      claim('all', required.lateJoiner.id, 'MUST', claims.exists({ seq: linked.seq, at: '/data/ms' }), { title: 'all three are linked' });
      claim('hears', required.lateJoiner.id, 'MUST', heardOnce(late, topic, 'welcome'), { title: 'a message reaches it' });
    },
  },
});
