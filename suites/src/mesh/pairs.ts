import { claims, observed } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { claimHop, type Runners, startRunners } from '../runners.ts';

export const pairs = (nodes: number) =>
  exercise<Runners>(
    {
      'mesh.runners': 'A runner beside any node is reached, and answers, through any other node.',
      'mesh.pairs': 'A direct message from any node to any other arrives once, with the same bytes, under its sender.',
    },
    {
      id: 'mesh/pairs',
      title: `all ${nodes * (nodes - 1)} directed pairs of ${nodes} nodes, driven through one of them`,
      needs: { nodes, capabilities: ['direct.send', 'direct.events'] },
      phases: {
        async setup(context) {
          const [anchor] = context.nodes;
          if (!anchor) throw new RangeError('a mesh needs nodes');
          return startRunners(context, anchor, context.nodes);
        },
        async drive(context, runners) {
          const { claim, clock, record } = context;
          const replies = await Promise.all(context.nodes.map((node) => runners.ask(node, 'discover', 'discover_reply')));
          const directed = context.nodes.flatMap((from) => context.nodes.filter((to) => to !== from).map((to) => ({ from, to })));
          const hops = await Promise.all(
            directed.map(async ({ from, to }) => {
              const begun = clock.monotonic();
              const hop = await runners.hop(from, to);
              const ms = Math.round(clock.monotonic() - begun);
              record.observe('lab', 'mesh', 'pair', { from: from.name, to: to.name, request_id: hop.requestId, ms });
              return hop;
            }),
          );
          for (const [index, node] of context.nodes.entries())
            claim(`runner/${node.name}`, 'mesh.runners', 'MUST', claims.equals(observed(replies[index]!, '/agent_id'), node.agentId));
          for (const hop of hops) claimHop(context, `${hop.from.name}-to-${hop.to.name}`, 'mesh.pairs', hop);
        },
        async finally(_, runners) {
          await runners[Symbol.asyncDispose]();
        },
      },
    },
  );
