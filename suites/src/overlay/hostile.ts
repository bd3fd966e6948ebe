import { placeOf, publishEnvelope, ScriptedPeer, withForgedSignature } from '@muster/lab';
import { claims } from '@muster/proof';
import { toHex, utf8Bytes } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, memoryOf, twoOf } from '../nodes.ts';
import { Audience } from './audience.ts';

/** what each of them does until its link is ended, in rounds with honest messages between */
const ROUNDS = 40;
const TOPICS_A_ROUND = 512;
const ITEMS = 128;
const IDS = 512;
const MAX_GROWTH_BYTES = 96 * 1024 * 1024;
const CUT_MS = 15_000;

export const hostile = exercise(
  {
    'overlay.honest': 'While neighbours make up topics, promise what they do not have, and forge, every honest message arrives, once.',
    'overlay.cut': 'A neighbour that makes up topics or forges messages is cut off.',
    'overlay.flat': 'What hostile neighbours say does not fill the memory.',
  },
  {
    id: 'overlay/hostile',
    title: 'neighbours that make things up hold up nobody',
    needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['messaging.publish', 'messaging.events', 'status.metrics'] },
    phases: {
      async drive(context) {
        const { claim, record, random, clock } = context;
        const [alice, bob] = twoOf(context);
        await untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS);
        await using audience = await Audience.of(context, [alice, bob], context.topic('honest'));
        const place = await placeOf(alice);
        const peers = ['inventor', 'promiser', 'forger'].map(() => new ScriptedPeer(place));
        await using stack = new AsyncDisposableStack();
        for (const peer of peers) stack.use(peer);
        const [inventor, promiser, forger] = await Promise.all(peers.map((peer) => peer.dial(place.address)));
        for (const link of [inventor!, promiser!, forger!]) link.send({ kind: 'overlay', control: { kind: 'join' } });
        const before = await memoryOf(alice);
        let made = 0;
        let said = 0;
        for (let round = 0; round < ROUNDS; round++) {
          if (!inventor!.isClosed)
            for (let batch = 0; batch < TOPICS_A_ROUND / ITEMS; batch++) {
              const items = Array.from(
                { length: ITEMS },
                () => ({ kind: 'join', topic: `made up ${made++}`, asks: 3, known: false, away: 0 }) as const,
              );
              inventor!.send({ kind: 'overlay', control: { kind: 'topics', items } });
            }
          if (!promiser!.isClosed) promiser!.send({ kind: 'have', ids: Array.from({ length: IDS }, () => toHex(random.bytes(32))) });
          if (!forger!.isClosed) {
            const honest = await publishEnvelope(peers[2]!, audience.topic, utf8Bytes(`forged ${round}`), { issued: clock.now() });
            forger!.send({ kind: 'publish', envelope: withForgedSignature(honest) });
          }
          await audience.say(round % 2 === 0 ? alice : bob, [`honest ${++said}`]);
        }
        await audience.heard([alice, bob], said, 'all honest messages arrived', ARRIVAL_LIMIT_MS);
        const cut = await context.eventually('the inventor and the forger are cut off', () => inventor!.isClosed && forger!.isClosed, CUT_MS);
        const after = await memoryOf(alice);
        claim('honest', 'overlay.honest', 'MUST', audience.exactlyOnce([alice, bob]));
        claim('cut', 'overlay.cut', 'MUST', claims.exists({ seq: cut.seq, at: '/data/ms' }), { title: 'their links are ended' });
        if (before === undefined || after === undefined) return;
        const memory = record.observe(alice.name, 'overlay', 'memory', { topics: made, before, after, grown: after - before });
        claim('flat', 'overlay.flat', 'MUST', claims.atMost({ seq: memory.seq, at: '/data/grown' }, MAX_GROWTH_BYTES, 'bytes'), {
          premise: claims.atLeast({ seq: memory.seq, at: '/data/topics' }, 2_000),
        });
      },
    },
  },
);
