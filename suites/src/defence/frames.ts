import { oversizeFrameHead, type PeerLink, placeOf, scenario, ScriptedPeer } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { LANE_BULK, LANE_CONTROL } from '@muster/protocol';
import { required } from './requirements.ts';
import { Stage } from './stage.ts';

const CLOSED_MS = 2000;

const BREACHES: Readonly<
  Record<string, { readonly title: string /** as it is counted */; readonly reason: string; readonly commit: (link: PeerLink) => void }>
> = {
  oversize: { reason: 'oversize', title: 'a frame over the limit', commit: (link) => link.sendBytes(oversizeFrameHead()) },
  malformed: {
    reason: 'malformed',
    title: 'a message in a wrong form',
    commit: (link) => link.sendFrame({ lane: LANE_CONTROL, type: 5, body: Uint8Array.of(0xff) }),
  },
  fragment: {
    reason: 'bad_fragment',
    title: 'a fragment without its head',
    commit: (link) => link.sendFrame({ lane: LANE_BULK, type: 1, body: Uint8Array.of(1) }),
  },
  garbage: { reason: 'oversize', title: 'bytes that mean nothing', commit: (link) => link.sendBytes(new Uint8Array(1024).fill(0xa5)) },
};

export const brokenFrames = scenario({
  id: 'defence/frames',
  title: 'a peer that breaks the framing loses its link, and the node nothing',
  requirements: [required.frames.id, required.unharmed.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics'] },
  phases: {
    async drive(context) {
      const { claim, eventually, record } = context;
      const reasons = Object.values(BREACHES).map(({ reason }) => reason);
      const counted = Object.fromEntries(reasons.map((reason) => [reason, `links_broken_total{reason="${reason}"}`]));
      await using stage = await Stage.set(context, counted);
      const place = await placeOf(stage.node);
      for (const [name, { title, commit }] of Object.entries(BREACHES)) {
        await using offender = new ScriptedPeer(place);
        const link = await offender.dial(place.address);
        record.observe('offender', 'link', 'breach', { name, machine_id: offender.machineId });
        commit(link);
        const closed = await eventually(`the link closes after ${title}`, () => link.isClosed, CLOSED_MS);
        const peers = await stage.node.rest('network.peers');
        const listed = at(peers, '/output/peers');
        claim(`${name}/closed`, required.frames.id, 'MUST', claims.atMost({ seq: closed.seq, at: '/data/ms' }, CLOSED_MS, 'ms'), {
          title: `${title} ends the link`,
        });
        claim(`${name}/gone`, required.frames.id, 'MUST', claims.excludes(listed, offender.machineId, '/id'), {
          title: `${title}: its sender is no peer any more`,
          premise: claims.includes(listed, stage.peer.machineId, '/id'),
        });
      }
      await stage.settle();
      for (const reason of new Set(reasons)) {
        const times = reasons.filter((other) => other === reason).length;
        stage.claimCounted(reason, required.frames, times, `a link that ended so is counted as ${reason}`);
      }
      await stage.claimUnharmed();
    },
  },
});
