import { type NodeHandle, type Operation, scenario, type ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { untilLinked } from '../links/peers.ts';
import { twoOf } from '../nodes.ts';
import { listen, type Listeners } from './streams.ts';
import { streamsOf } from './plan.ts';
import { required } from './requirements.ts';

const LINK_LIMIT_MS = 5_000;
/** exit code of a command that found no daemon */
const NO_DAEMON = 2;
/** the node says that it is stopping */
const UNAVAILABLE = 503;
/** calls of each surface that are enough to have met the restart */
const MOST_CALLS = 200;
const { restart, streams, answers } = required;

export const duringRestart = scenario({
  id: 'surfaces/restart',
  title: 'while a node starts again no surface gives a wrong answer, and its peer tells of it on every surface',
  requirements: [restart.id, streams.id, answers.id],
  needs: { nodes: 2, powers: ['restart'], surfaces: ['cli', 'client', 'ws'], capabilities: ['identity.get', 'status.metrics'] },
  phases: {
    async drive(context) {
      const { claim, faults } = context;
      const [self, peer] = twoOf(context);
      await untilLinked(context, self, peer, LINK_LIMIT_MS);
      await using stack = new AsyncDisposableStack();
      const listeners: Listeners[] = [];
      for (const stream of streamsOf(context)) {
        if (stream.example?.trigger === 'peer-restart') listeners.push(stack.use(await listen(context, { self, peer }, stream)));
      }

      const before = await peer.rest('identity.get');
      claim('before', restart.id, 'MUST', claims.outcome(before, 'ok'));
      const calls = [hammer(peer, 'rest'), hammer(peer, 'typed')];
      const again = async (): Promise<void> => {
        const fault = await faults.restart(peer);
        await whileDown(context, peer);
        await fault.heal();
      };
      const happening = again();
      await Promise.all([happening, ...listeners.map((each) => each.hear(() => happening, LINK_LIMIT_MS))]);
      claimHonest(context, before, (await Promise.all(calls)).flat());

      const after = { rest: await peer.rest('identity.get'), client: await peer.typed('identity.get'), cli: await peer.cli('identity.get') };
      for (const [surface, answer] of Object.entries(after)) claim(`after/${surface}`, restart.id, 'MUST', claims.sameAnswer(before, answer));
    },
  },
});

/** Asks until there is nobody to ask. */
async function hammer(node: NodeHandle, surface: 'rest' | 'typed'): Promise<Operation[]> {
  const done: Operation[] = [];
  while (done.length < MOST_CALLS) {
    const answer = await node[surface]('identity.get');
    done.push(answer);
    if (answer.status === undefined && answer.outcome !== 'ok') break;
  }
  return done;
}

/** Each was answered rightly, or refused because the node is stopping, or had nobody to answer it. */
function claimHonest({ claim }: ScenarioContext, before: Operation, answers: readonly Operation[]): void {
  for (const [index, answer] of answers.entries()) {
    if (answer.outcome === 'ok') claim(`during/${index}`, restart.id, 'MUST', claims.sameAnswer(before, answer));
    else if (answer.status !== undefined) claim(`during/${index}`, restart.id, 'MUST', claims.status(answer, UNAVAILABLE));
  }
}

async function whileDown({ claim }: ScenarioContext, node: NodeHandle): Promise<void> {
  const [rest, typed, cli] = await Promise.all([node.rest('identity.get'), node.typed('identity.get'), node.cli('identity.get')]);
  claim('down/rest', restart.id, 'MUST', claims.outcome(rest, 'fail'), { title: 'REST has nobody to ask' });
  claim('down/client', restart.id, 'MUST', claims.outcome(typed, 'fail'), { title: 'the client says that it certainly was not done' });
  claim('down/cli', restart.id, 'MUST', claims.status(cli, NO_DAEMON), { title: 'the command says that there is no daemon' });
}
