import { type Times, ScriptedPeer, directEnvelope, placeOf, type PeerLink } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { type BoxRoute, encodeLetter, fromBase64, inboxTopic, parseAgentId, REQUEST_ID_BYTES, sealBox, sealEnvelope, signLetter, utf8Bytes } from '@muster/protocol'; // prettier-ignore
import { exercise } from '../exercise.ts';
import { ARRIVAL_LIMIT_MS, countersOf, inboxEnd, payloadOf, readInbox, twoOf } from '../nodes.ts';

const HONEST = 'a letter as it should be';
const LAST = 'another one, behind the others';
const SPOILT: Readonly<Record<string, { readonly title: string; readonly at: (box: Uint8Array) => number }>> = {
  // Behind the heads, the version and the id begins the KEM ciphertext; the tag of the content is at the end.
  kem: { title: 'one bit of the KEM ciphertext is changed', at: () => 60 },
  content: { title: 'one bit of the content is changed', at: (box) => box.length - 40 },
};
const FOREIGN = 'a letter of somebody else, sent on';

export const tampered = exercise(
  { 'routes.sealed': 'A sealed message that was changed, or sealed by another agent than sends it, is not taken, and counted as not opened.' },
  {
    id: 'routes/tampered',
    title: 'boxes that were tampered with do not open',
    needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics', 'identity.get'] },
    phases: {
      async drive(context) {
        const { claim, clock, eventually, need, record } = context;
        const [alice] = twoOf(context);
        const end = await inboxEnd(context, alice);
        const kemKey = fromBase64((await need(alice.rest('identity.get'), 'alice tells her keys')).kem_public_key_b64);
        const place = await placeOf(alice);
        await using author = new ScriptedPeer(place);
        await using peer = new ScriptedPeer(place);
        const link = await peer.dial(place.address);
        const recipient = parseAgentId(alice.agentId);
        const topic = inboxTopic(peer.crypto, recipient);

        const seal = async (text: string, sender: ScriptedPeer): Promise<Uint8Array> => {
          const times: Times = { issued: clock.now() };
          const id = peer.crypto.randomBytes(REQUEST_ID_BYTES);
          const envelope = await directEnvelope(sender, recipient, utf8Bytes(text), times, id);
          const machineKey = peer.crypto.signingKey();
          const machineSignature = await signLetter(peer.crypto, machineKey, envelope);
          const letter = {
            kind: 'message',
            envelope,
            kemKey: peer.crypto.kemKey().publicKey,
            machineKey: machineKey.publicKey,
            machineSignature,
          } as const;
          const route: BoxRoute = { network: place.network, sender: sender.agentId, recipient };
          return sealBox(peer.crypto, kemKey, route, id, encodeLetter(letter));
        };
        const post = async (box: Uint8Array): Promise<void> => publish(link, await envelopeOf(box));
        const envelopeOf = (payload: Uint8Array): Promise<Uint8Array> =>
          sealEnvelope(peer.crypto, peer.agentKey, { kind: 'inbox', network: place.network, to: topic, payload, issued: clock.now() });
        const stands = async (text: string): Promise<boolean> => {
          const { messages } = await alice.client.direct.inbox({ limit: 1000, ...(end !== undefined && { after: end }) }, context);
          return messages.some(({ payload }) => payload === payloadOf(text));
        };
        const unopened = async (): Promise<number> => (await countersOf(alice)).get('dm_refused_total{reason="not_opened"}') ?? 0;

        const before = await unopened();
        await post(await seal(HONEST, peer));
        await eventually('the honest letter is taken', () => stands(HONEST), ARRIVAL_LIMIT_MS);
        for (const { title, at: where } of Object.values(SPOILT)) {
          const box = await seal(title, peer);
          box[where(box)]! ^= 1;
          await post(box);
        }
        await post(await seal(FOREIGN, author));
        await post(await seal(LAST, peer));
        await eventually('the last letter is taken', () => stands(LAST), ARRIVAL_LIMIT_MS);
        const refused = await eventually('all are judged', async () => (await unopened()) - before >= 3, ARRIVAL_LIMIT_MS);
        const counted = record.observe(alice.name, 'metrics', 'not opened', { count: (await unopened()) - before });
        const inbox = await readInbox(alice, end);

        const messages = at(inbox, '/output/messages');
        const premise = claims.includes(messages, payloadOf(HONEST), '/payload');
        claim('counted', 'routes.sealed', 'MUST', claims.equals({ seq: counted.seq, at: '/data/count' }, 3), { premise });
        claim('judged', 'routes.sealed', 'MUST', claims.exists({ seq: refused.seq, at: '/data/ms' }), { premise });
        for (const [name, { title }] of Object.entries(SPOILT))
          claim(name, 'routes.sealed', 'MUST', claims.excludes(messages, payloadOf(title), '/payload'), { title, premise });
        claim('foreign', 'routes.sealed', 'MUST', claims.excludes(messages, payloadOf(FOREIGN), '/payload'), { premise });
        claim('last', 'routes.sealed', 'MUST', claims.includes(messages, payloadOf(LAST), '/payload'), { premise });
      },
    },
  },
);

function publish(link: PeerLink, envelope: Uint8Array): void {
  link.send({ kind: 'publish', envelope });
}
