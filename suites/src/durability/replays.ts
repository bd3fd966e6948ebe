/** A peer says again, byte for byte, what a node had delivered before it was killed. */
import { placeOf, publishEnvelope, scenario, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { utf8Bytes } from '@muster/protocol';
import { heardOnce, listen } from '../links/listener.ts';
import { ARRIVAL_LIMIT_MS, deliveries, payloadOf, twoOf } from '../nodes.ts';
import { untilMeshed } from '../links/peers.ts';
import { required, WRITTEN_MS } from './requirements.ts';

const SAID = 'said before the kill';
const MARKER = 'said after it';

export const replays = scenario({
  id: 'durability/replays',
  title: 'what was delivered before kill -9 is not delivered again when a peer repeats it',
  requirements: [required.replays.id],
  needs: { nodes: 2, powers: ['kill', 'link'], capabilities: ['messaging.subscribe', 'messaging.events'] },
  phases: {
    async drive(context) {
      const { claim, clock, faults, record, signal } = context;
      const [alice, bob] = twoOf(context);
      await untilMeshed(context, [alice, bob], 5000);
      const topic = context.topic('replays');
      await using peer = new ScriptedPeer(await placeOf(alice));
      const say = async (): Promise<void> => void link.send({ kind: 'publish', envelope });
      const envelope = await publishEnvelope(peer, topic, utf8Bytes(SAID), { issued: clock.now() });
      let link = await peer.dial((await placeOf(alice)).address);
      const before = await listen(context, alice, topic);
      await say();
      const heard = await before.heard(SAID, ARRIVAL_LIMIT_MS);
      await clock.sleep(WRITTEN_MS, signal);
      const fault = await faults.kill(alice);
      const killed = record.observe('lab', 'replays', 'killed', {});
      await fault.heal();

      link = await peer.dial((await placeOf(alice)).address);
      const after = await listen(context, alice, topic);
      await say();
      link.send({ kind: 'publish', envelope: await publishEnvelope(peer, topic, utf8Bytes(MARKER), { issued: clock.now() }) });
      await after.heard(MARKER, ARRIVAL_LIMIT_MS);

      const options = { needsFaults: [fault], premise: heardOnce(alice, topic, MARKER) };
      claim('heard', required.replays.id, 'MUST', claims.exists({ seq: heard.seq, at: '/data/ms' }), { title: 'it is delivered once' });
      claim('unheard', required.replays.id, 'MUST', claims.never(deliveries(topic, { nodes: [alice], payload: payloadOf(SAID) })), {
        ...options,
        title: 'and not again after the restart',
        range: [killed.seq, record.seq],
      });
    },
  },
});
