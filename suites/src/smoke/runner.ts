import { claims, observed } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';
import { claimHop, type Runners, startRunners } from '../runners.ts';

export const runner = exercise<Runners>(
  {
    'runner.answers': 'A runner inside the network takes a command by direct message and reports by direct message.',
    'runner.round-trip': 'A message that a runner was told to send is reported by sender and receiver with the same digest.',
  },
  {
    id: 'smoke/runner',
    title: 'a round trip through runners inside the network',
    needs: { nodes: 2, capabilities: ['direct.send', 'direct.events'] },
    phases: {
      async setup(context) {
        const [alice, bob] = twoOf(context);
        return startRunners(context, alice, [alice, bob]);
      },
      async drive(context, runners) {
        const [alice, bob] = twoOf(context);
        const [ack, there, back] = await Promise.all([runners.ask(bob, 'noop_ack', 'ack'), runners.hop(alice, bob), runners.hop(bob, alice)]);
        context.claim('acknowledges', 'runner.answers', 'MUST', claims.equals(observed(ack, '/agent_id'), bob.agentId));
        claimHop(context, 'there', 'runner.round-trip', there);
        claimHop(context, 'back', 'runner.round-trip', back);
      },
      async finally(_, runners) {
        await runners[Symbol.asyncDispose]();
      },
    },
  },
);
