import { hostEntries, type NodeHandle, scenario } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { companyOf } from './company.ts';
import { twoOf } from '../nodes.ts';
import { meshed, untilMeshed } from './peers.ts';
import { HEALED_MS, required } from './requirements.ts';

/** longer than two nodes of one network take to meet */
const MEETING_MS = 2500;

export const isolation = scenario({
  id: 'links/isolation',
  title: 'two networks in one host directory never meet',
  requirements: [required.isolation.id],
  needs: { nodes: 2, powers: ['world', 'process'], exclusive: 'nodes of another network share its host directory' },
  phases: {
    async drive(context) {
      const { claim, eventually, record, signal } = context;
      const ours = twoOf(context);
      const { hostDirectory } = ours[0].target.local!.config;
      await using company = await companyOf(context, ours[0], ['stranger-1', 'stranger-2'], 'other');
      const strangers = company.nodes;
      const [ourLink, theirLink] = await Promise.all([
        untilMeshed(context, ours, HEALED_MS, 'ours are linked'),
        untilMeshed(context, strangers, HEALED_MS, 'the strangers are linked'),
      ]);
      const entries = (await hostEntries(hostDirectory)).map(({ machine, network }) => ({ machine, network }));
      const directory = record.observe('lab', 'host-directory', 'entries', { entries });
      const apart = async (): Promise<boolean> => (await meshed(ours, signal)) && (await meshed(strangers, signal));
      const met = await eventually('somebody lists a stranger, or nobody', async () => !(await apart()), MEETING_MS);

      const check = (name: string, title: string, what: Parameters<typeof claim>[3], premise?: Parameters<typeof claim>[3]): void =>
        claim(name, required.isolation.id, 'MUST', what, { title, ...(premise && { premise }) });
      const listed = (node: NodeHandle) => claims.includes({ seq: directory.seq, at: '/data/entries' }, node.machineId, '/machine');
      check(
        'both-at-work',
        'each network finds its own through that directory',
        claims.exists({ seq: theirLink.seq, at: '/data/ms' }),
        listed(strangers[0]!),
      );
      check('apart', 'neither lists a node of the other', claims.equals({ seq: met.seq, at: '/data/held' }, false), listed(ours[0]));
      for (const [all, others] of [
        [ours, strangers],
        [strangers, ours],
      ] as const) {
        for (const node of all) {
          const peers = await node.rest('network.peers');
          for (const other of others)
            check(`peers/${node.name}-${other.name}`, `${node.name} does not list ${other.name}`, claims.excludes(at(peers, '/output/peers'), other.machineId, '/id'), claims.exists({ seq: ourLink.seq, at: '/data/ms' })); // prettier-ignore
        }
      }
    },
  },
});
