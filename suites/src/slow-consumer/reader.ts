import { claims } from '@muster/proof';
import { toBase64 } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, subscribe, twoOf } from '../nodes.ts';
import { openUnread } from './stuck-reader.ts';

/** the largest there are: more than a stream holds for one reader */
const BYTES = 256 * 1024;
const MESSAGES = 260;
/** ms that one publish may take while a reader does not read */
const PUBLISH_MS = 5_000;
const PATIENCE_MS = 30_000;

export const reader = exercise(
  {
    'slow-consumer.others': 'A reader that reads nothing neither blocks nor loses anything for other readers, nor for publishers.',
    'slow-consumer.told': 'A reader that read too slowly gets the latest messages, and is told how many gave way.',
  },
  {
    id: 'slow-consumer/reader',
    title: 'a reader that reads nothing costs nobody else anything, and is told what it lost',
    needs: { nodes: 2, powers: ['world'], capabilities: ['messaging.publish', 'messaging.events'], exclusive: 'it fills queues' },
    limit: 120_000,
    phases: {
      async drive(context) {
        const { claim, eventually, record, random, signal, clock } = context;
        const [alice, bob] = twoOf(context);
        await untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS);
        const topic = context.topic('much');
        await using stuck = await openUnread(alice, topic, signal);
        await using other = await openUnread(alice, topic, signal);
        const otherHeard = other.read();
        await using _subscription = await subscribe(context, alice, topic);
        const noise = random.bytes(BYTES);
        let accepted = 0;
        let worst = 0;
        for (let index = 0; index < MESSAGES; index++) {
          new DataView(noise.buffer, noise.byteOffset).setUint32(0, index);
          const begun = clock.monotonic();
          await bob.client.messaging.publish({ topic, payload: toBase64(noise) }, { signal });
          accepted++;
          worst = Math.max(worst, clock.monotonic() - begun);
        }
        await eventually('the other reader has everything', () => otherHeard().messages === accepted, PATIENCE_MS);
        const stuckHeard = stuck.read();
        const all = (): boolean => stuckHeard().messages + stuckHeard().missed >= accepted;
        await eventually('the reader that did not read accounts for everything', all, PATIENCE_MS);
        const { seq } = record.observe(alice.name, 'slow-consumer', 'heard', {
          accepted,
          worst_ms: Math.round(worst),
          other: { ...otherHeard() },
          stuck: { ...stuckHeard(), accounted: stuckHeard().messages + stuckHeard().missed },
        });
        const value = (path: string) => ({ seq, at: `/data/${path}` }) as const;
        claim('others', 'slow-consumer.others', 'MUST', claims.equals(value('other/messages'), value('accepted')));
        claim('others-copies', 'slow-consumer.others', 'MUST', claims.equals(value('other/copies'), 0));
        claim('others-missed', 'slow-consumer.others', 'MUST', claims.equals(value('other/missed'), 0));
        claim('publisher', 'slow-consumer.others', 'MUST', claims.atMost(value('worst_ms'), PUBLISH_MS, 'ms'));
        claim('told', 'slow-consumer.told', 'MUST', claims.atLeast(value('stuck/missed'), 1, 'messages'));
        claim('accounted', 'slow-consumer.told', 'MUST', claims.equals(value('stuck/accounted'), value('accepted')));
      },
    },
  },
);
