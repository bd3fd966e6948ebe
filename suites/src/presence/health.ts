import { placeOf, ScriptedPeer } from '@muster/lab';
import { at, type Claim, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { companyOf } from '../links/company.ts';
import { ARRIVAL_LIMIT_MS } from '../nodes.ts';
import { peersOf } from '../links/peers.ts';

/** ms in which a node that hears nothing says so */
const NOTICED_MS = 15_000;
/** ms in which it is healthy again once somebody answers */
const HEARD_AGAIN_MS = 5_000;
/** for a busy machine: it is the claim that decides */
const PATIENCE_MS = 25_000;

export const health = exercise(
  {
    'health.alone': 'A node that is alone by choice is healthy and says that it is alone.',
    'health.unheard': 'A node whose only link is open and alive, but answers nothing, says within 15 s that it hears nobody, on /health and /status.',
    'health.again': 'Within 5 s of a peer that answers it is healthy again.',
  },
  {
    id: 'presence/health',
    title: 'health is tied to answers, not to open links',
    needs: { nodes: 1, exclusive: 'it must have no honest peers', powers: ['world', 'link'], capabilities: ['status.health', 'status.get'] },
    phases: {
      async drive(context) {
        const { claim, eventually, record, signal } = context;
        const node = context.nodes[0]!;
        const alone = await node.rest('status.health');
        const place = await placeOf(node);
        // It answers pings, as links do by themselves, and nothing else.
        await using peer = new ScriptedPeer(place);
        const link = await peer.dial(place.address);
        const linked = async (): Promise<boolean> => (await peersOf(node, signal))?.includes(peer.machineId) === true;
        await eventually('the silent peer is linked', linked, ARRIVAL_LIMIT_MS);
        const open = record.observe('peer', 'link', 'linked', { machine_id: peer.machineId });
        const condition = async (wanted: string): Promise<boolean> => (await node.client.status.health()).status === wanted;
        const fresh = await node.rest('status.health');
        const noticed = await eventually('it is degraded', () => condition('degraded'), PATIENCE_MS);
        const [degraded, status, peers] = await Promise.all([node.rest('status.health'), node.rest('status.get'), node.rest('network.peers')]);
        const pings = record.observe('peer', 'link', 'received', { probes: link.received.filter(({ kind }) => kind === 'presence').length });
        await using company = await companyOf(context, node, ['honest'], 'same');
        const up = record.observe(company.nodes[0]!.name, 'lab', 'answers', {});
        const heard = await eventually('it is healthy again', () => condition('healthy'), PATIENCE_MS);
        const healthy = await node.rest('status.health');

        const must = (check: string, requirement: string, what: Claim, premise: Claim): void =>
          claim(check, `health.${requirement}`, 'MUST', what, { premise });
        const none = claims.equals(at(alone, '/output/peers'), 0);
        must('alone', 'alone', claims.equals(at(alone, '/output/status'), 'healthy'), none);
        must('says-so', 'alone', claims.includes(at(alone, '/output/reason'), 'alone'), none);
        const stillLinked = claims.includes(at(peers, '/output/peers'), peer.machineId, '/id');
        must('fresh', 'unheard', claims.equals(at(fresh, '/output/status'), 'healthy'), stillLinked);
        must('asked', 'unheard', claims.atLeast({ seq: pings.seq, at: '/data/probes' }, 3), stillLinked);
        must('noticed', 'unheard', claims.elapsedAtMost({ seq: open.seq }, { seq: noticed.seq }, NOTICED_MS), stillLinked);
        must('degraded', 'unheard', claims.equals(at(degraded, '/output/status'), 'degraded'), stillLinked);
        must('reason', 'unheard', claims.matches(at(degraded, '/output/reason'), 'none has answered'), stillLinked);
        must('status', 'unheard', claims.equals(at(status, '/output/status'), 'degraded'), stillLinked);
        must('warning', 'unheard', claims.matches(at(status, '/output/warnings/0'), 'none has answered'), stillLinked);
        const was = claims.equals(at(degraded, '/output/status'), 'degraded');
        must('again', 'again', claims.elapsedAtMost({ seq: up.seq }, { seq: heard.seq }, HEARD_AGAIN_MS), was);
        must('healthy', 'again', claims.equals(at(healthy, '/output/status'), 'healthy'), was);
        must('no-reason', 'again', claims.absent({ op: healthy.id, at: '/output/reason' }), was);
      },
    },
  },
);
