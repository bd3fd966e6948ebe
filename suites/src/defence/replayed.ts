import { scenario } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { heardOnce } from '../links/listener.ts';
import { payloadOf } from '../nodes.ts';
import { required } from './requirements.ts';
import { Stage } from './stage.ts';

const SAID = 'once is enough';
const REPLAYS = 3;

export const replays = scenario({
  id: 'defence/replayed',
  title: 'messages that come again are delivered once',
  requirements: [required.replayed.id, required.unharmed.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics'] },
  phases: {
    async drive(context) {
      await using stage = await Stage.set(context, { published: 'gossip_incoming_duplicate_total', direct: 'dm_incoming_duplicate_total' });
      const [said, written] = [await stage.said(SAID), await stage.written(SAID)];
      for (let n = 0; n <= REPLAYS; n++) stage.publish(said);
      const answers = [];
      for (let n = 0; n <= REPLAYS; n++) answers.push(await stage.send(written));
      await stage.settle();

      const { claim } = context;
      claim('heard-once', required.replayed.id, 'MUST', heardOnce(stage.node, stage.topic, SAID), { title: 'the message is delivered once' });
      const inbox = await stage.inbox();
      const copies = inbox.output?.messages.filter(({ payload }) => payload === payloadOf(SAID)).length ?? 0;
      const found = context.record.observe(stage.node.name, 'inbox', 'copies', { copies });
      claim('one-letter', required.replayed.id, 'MUST', claims.equals({ seq: found.seq, at: '/data/copies' }, 1), {
        title: 'the letter stands in the inbox once',
        premise: claims.includes(at(inbox, '/output/messages'), payloadOf(SAID), '/payload'),
      });
      for (const [index, { seq }] of answers.entries())
        claim(`acknowledged/${index + 1}`, required.replayed.id, 'MUST', claims.equals({ seq, at: '/data/outcome' }, 'committed'), {
          title: 'every copy of the letter is acknowledged',
        });
      stage.claimCounted('published', required.replayed, REPLAYS, 'every copy of the message is counted');
      stage.claimCounted('direct', required.replayed, REPLAYS, 'every copy of the letter is counted');
      await stage.claimUnharmed();
    },
  },
});
