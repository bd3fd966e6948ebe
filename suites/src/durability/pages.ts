import { scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { inboxEnd, payloadOf, twoOf } from '../nodes.ts';
import { untilMeshed } from '../links/peers.ts';
import { required } from './requirements.ts';

const MESSAGES = 5;
const PAGE = 2;

export const pages = scenario({
  id: 'durability/pages',
  title: 'an inbox read page by page is read whole',
  requirements: [required.pages.id],
  needs: { nodes: 2, capabilities: ['direct.send', 'direct.inbox'] },
  phases: {
    async drive(context) {
      const { claim, need, record } = context;
      const [alice, bob] = twoOf(context);
      await untilMeshed(context, [alice, bob], 5000);
      let after = await inboxEnd(context, bob);
      const payloads = Array.from({ length: MESSAGES }, (_, n) => payloadOf(`${context.topic('page')} ${n}`));
      for (const payload of payloads) await need(alice.rest('direct.send', { agent_id: bob.agentId, payload }), 'a message is taken');
      const read: string[] = [];
      for (;;) {
        const page = await need(bob.rest('direct.inbox', { limit: PAGE, ...(after !== undefined && { after }) }), 'the inbox can be read');
        read.push(...page.messages.map(({ payload }) => payload));
        if (page.next === null) break;
        after = page.next;
      }
      const { seq } = record.observe(bob.name, 'inbox', 'pages', { payloads: read });
      claim('read', required.pages.id, 'MUST', claims.equals({ seq, at: '/data/payloads' }, { value: payloads }));
    },
  },
});
