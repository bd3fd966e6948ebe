/** A node is killed between two sends with one logical id: its own to another node, and a courier's to it. */
import { placeOf, type PeerLink, scenario, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { encodeDirectBody, REQUEST_ID_BYTES, sealEnvelope, toBase64, utf8Bytes } from '@muster/protocol';
import { twoOf } from '../nodes.ts';
import { deliver } from '../links/answer.ts';
import { untilMeshed } from '../links/peers.ts';
import { inInbox, recordInbox } from './inbox-record.ts';
import { required } from './requirements.ts';

const LOGICAL_ID = 'order-17';
const ORDER = utf8Bytes('seventeen apples');
const OTHER_ORDER = utf8Bytes('eighteen apples');

export const logicalIdsOutliveKill = scenario({
  id: 'durability/logical-ids',
  title: 'a logical id names the same message before and after kill -9, at both ends',
  requirements: [required.logicalIds.id],
  needs: { nodes: 2, powers: ['kill', 'link'], capabilities: ['direct.send', 'direct.inbox'] },
  phases: {
    async drive(context) {
      const { claim, clock, faults, need } = context;
      const [alice, bob] = twoOf(context);
      await untilMeshed(context, [alice, bob], 5000);
      const send = (payload: Uint8Array) => alice.rest('direct.send', { agent_id: bob.agentId, payload: toBase64(payload), logical_id: LOGICAL_ID });
      await using courier = new ScriptedPeer(await placeOf(alice));
      const link = async (): Promise<PeerLink> => courier.dial((await placeOf(alice)).address);
      const carry = async (over: PeerLink, payload: Uint8Array) => {
        const body = encodeDirectBody({ requestId: courier.crypto.randomBytes(REQUEST_ID_BYTES), logicalId: LOGICAL_ID, payload });
        const route = { kind: 'direct', network: courier.network, to: alice.agentId };
        const content = { payload: body, issued: clock.now() };
        return deliver(context, over, await sealEnvelope(courier.crypto, courier.agentKey, { ...route, ...content }));
      };

      await need(send(ORDER), 'a message with a logical id is taken');
      const first = await carry(await link(), ORDER);
      const fault = await faults.kill(alice);
      await fault.heal();
      await untilMeshed(context, [alice, bob], 5000, 'linked again');
      const again = await send(ORDER);
      const changed = await send(OTHER_ORDER);
      const relinked = await link();
      const secondAnswer = await carry(relinked, ORDER);
      const changedAnswer = await carry(relinked, OTHER_ORDER);
      await Promise.all([recordInbox(context, alice), recordInbox(context, bob)]);

      const once = (node: typeof alice) =>
        claims.occurs({ ...inInbox(node), where: [{ at: '/logical_id', equals: LOGICAL_ID }] }, { atLeast: 1, atMost: 1 });
      const check = (name: string, title: string, what: Parameters<typeof claim>[3]): void =>
        claim(name, required.logicalIds.id, 'MUST', what, { title, needsFaults: [fault] });
      check('sender-again', 'the sender takes the same message for sent', claims.status(again, 200));
      check('sender-conflict', 'the sender refuses another message under that id', claims.status(changed, 409));
      check('sender-once', 'the recipient of the sender has it once', once(bob));
      check(
        'recipient-again',
        'the recipient acknowledges the message again',
        claims.equals({ seq: secondAnswer.seq, at: '/data/outcome' }, 'committed'),
      );
      check(
        'recipient-conflict',
        'the recipient refuses another message',
        claims.equals({ seq: changedAnswer.seq, at: '/data/outcome' }, 'rejected'),
      );
      context.claim('recipient-once', required.logicalIds.id, 'MUST', once(alice), {
        title: 'the recipient has it once',
        premise: claims.equals({ seq: first.seq, at: '/data/outcome' }, 'committed'),
        needsFaults: [fault],
      });
    },
  },
});
