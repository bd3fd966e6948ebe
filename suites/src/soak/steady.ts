import type { ScenarioContext } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { untilMeshed } from '../links/peers.ts';
import { claimBounded, setting } from '../nodes.ts';
import { PROMPT, Traffic } from '../traffic.ts';

/** operations per second of all nodes together, half of them published; `--rate` says otherwise */
const RATE = 12;
/** s; `--duration` says otherwise */
const DEFAULT_SECONDS = 6;
/** s after which what was said so far is judged, and forgotten: traffic pauses until all of it has arrived */
const STRETCH_S = 300;
/** s after the beginning at which everything is looked at again, besides the end */
const CHECKPOINTS_S = [3_600, 6 * 3_600];
/** s of the first stretch, which all others are compared with */
const FIRST_S = 2;
const MOST = { '/rss_bytes': 600e6, '/handles': 250, '/sockets': 200 } as const;
const LINKED_MS = 20_000;
const LIMIT_MS = 7 * 24 * 3_600_000;

/** The name tells how far it got, also to whoever takes it up again. */
const stretchOf = (elapsed: number): string => `at-${elapsed}s`;

/** s of a soak that were seen through when this check was made; 0 for any other check. */
export function secondsOf(check: string): number {
  return Number(/^soak\/[a-z-]+\/at-(\d+)s\//u.exec(check)?.[1] ?? 0);
}

export const steady = (nodes: number) =>
  exercise(
    {
      'soak.whole': 'In every five minutes of steady use nothing is refused, lost, doubled or forged.',
      'soak.prompt': `At any time 99 of 100 answers take at most ${PROMPT} at the beginning.`,
      'soak.healthy': 'After 1 h, after 6 h and at the end every node is healthy, linked with all others, and the same process as at the beginning.',
      'soak.bounded': 'All the while memory, handles and sockets of each node stay bounded.',
    },
    {
      id: 'soak/steady',
      title: 'nodes in steady use are after hours as they were at the beginning',
      needs: { nodes, powers: ['world'], capabilities: ['messaging.publish', 'direct.send', 'status.health'], exclusive: 'it goes on for long' },
      limit: LIMIT_MS,
      phases: {
        async drive(context) {
          const duration = setting(context, 'duration', DEFAULT_SECONDS, 0);
          await untilMeshed(context, context.nodes, LINKED_MS);
          await using traffic = await Traffic.of(context, context.nodes, setting(context, 'rate', 0, 0) || RATE);
          const first = await traffic.runFor(FIRST_S * 1_000);
          const lives = context.nodes.map(({ target }) => target.local?.process.pid);
          // What an earlier run has seen through is not done again.
          for (let elapsed = setting(context, 'elapsed', 0, 0); elapsed < duration;) {
            const end = Math.min(duration, elapsed + STRETCH_S, ...CHECKPOINTS_S.filter((checkpoint) => checkpoint > elapsed));
            const stretch = await traffic.runFor((end - elapsed) * 1_000);
            elapsed = end;
            const check = stretchOf(elapsed);
            traffic.claimWhole(check, 'soak.whole', stretch);
            traffic.claimPrompt(`${check}/prompt`, 'soak.prompt', stretch, first);
            if (elapsed === duration || CHECKPOINTS_S.includes(elapsed)) await checkpoint(context, check, lives);
          }
        },
      },
    },
  );

async function checkpoint(context: ScenarioContext, check: string, lives: readonly (number | undefined)[]): Promise<void> {
  const { claim, nodes, record, sample } = context;
  await sample();
  for (const [index, node] of nodes.entries()) {
    const [health, peers] = await Promise.all([node.rest('status.health'), node.rest('network.peers')]);
    const healthy = (name: string, title: string, what: Parameters<typeof claim>[3]): void =>
      claim(`${check}/${node.name}/${name}`, 'soak.healthy', 'MUST', what, { title });
    healthy('health', 'it is healthy', claims.equals(at(health, '/output/status'), 'healthy'));
    for (const other of nodes.filter((one) => one !== node))
      healthy(`peer-${other.name}`, `it lists ${other.name}`, claims.includes(at(peers, '/output/peers'), other.machineId, '/id'));
    const { seq } = record.observe(node.name, 'soak', 'life', {
      same: node.target.local?.process.pid === lives[index] && node.target.died === undefined,
    });
    healthy('life', 'it is the same process', claims.equals({ seq, at: '/data/same' }, true));
    claimBounded(context, `${check}/${node.name}/`, 'soak.bounded', [node], MOST);
  }
}
