/** A third of the nodes goes and comes back, a few at a time: who stays misses nothing, and who came back is part of it again. */
import type { Fault, NodeHandle, ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { Audience } from '../overlay/audience.ts';

const FEWEST = 3;
/** in larger worlds of daemons nodes share processes, and cannot end one by one: those need machines whose power can be cut */
const APART = 32;
/** one in so many nodes goes and comes back */
const ONE_IN = 3;
const ROUNDS = 10;
const ROUND_MS = 3_000;
/** rounds that a node is away */
const AWAY = 2;
/** ms between two messages of those that stay */
const EVERY_MS = 500;
/** messages once all are back, and who says them */
const AFTERWARDS = 10;
const SPEAKERS = 5;
const KNOWN_MS = 30_000;
const ARRIVAL_MS = 30_000;
const WHOLE_LIMIT_MS = 10_000;
const PROBE_EVERY_MS = 500;
const LIMIT_MS = 900_000;

export const churn = (asked: number) => {
  const nodes = Math.max(asked, FEWEST);
  const moving = Math.floor(nodes / ONE_IN);
  return exercise(
    {
      'scale.churn':
        'While a third of the nodes goes and comes back within half a minute, each message of one that stays reaches all that stay, once.',
      'scale.whole': 'Ten seconds after the last node came back, a message reaches all nodes.',
      'scale.progress': 'Once all are back, each message reaches every node, once.',
    },
    {
      id: 'scale/churn',
      title: `${moving} of ${nodes} nodes go and come back, and the others miss nothing`,
      needs: {
        nodes,
        powers: ['kill', 'restart', ...(nodes > APART ? (['power'] as const) : [])],
        capabilities: ['messaging.publish', 'messaging.events'],
      },
      limit: LIMIT_MS,
      phases: {
        async drive(context) {
          const { claim, nodes: all, random, topic } = context;
          const staying = all.slice(0, nodes - moving);
          await using audience = await Audience.of(context, staying, topic('churn'));
          const met = await reached(context, audience, staying, KNOWN_MS);
          const before = audience.count(staying[0]!);
          const { faults, said } = await churned(context, all.slice(nodes - moving), (turn) => audience.say(random.pick(staying), [`message ${turn}`])); // prettier-ignore
          await audience.heard(staying, before + said, 'everybody that stayed has heard everything', ARRIVAL_MS);
          const premise = claims.equals({ seq: met.seq, at: '/data/held' }, true);
          claim('stayed', 'scale.churn', 'MUST', audience.exactlyOnce(staying), { needsFaults: faults, premise });
          // One stream for each node at a time: each tells of everything.
          await audience[Symbol.asyncDispose]();

          await using everybody = await Audience.of(context, all, topic('back'));
          const whole = await reached(context, everybody, all, WHOLE_LIMIT_MS);
          claim('whole', 'scale.whole', 'MUST', claims.equals({ seq: whole.seq, at: '/data/held' }, true), { needsFaults: faults });
          const heard = everybody.count(all[0]!);
          await everybody.sayMany(
            Array.from({ length: SPEAKERS }, () => random.pick(all)),
            AFTERWARDS,
            'afterwards',
          );
          await everybody.heard(all, heard + AFTERWARDS, 'everybody has heard everything', ARRIVAL_MS);
          claim('progress', 'scale.progress', 'MUST', everybody.exactlyOnce(all), { needsFaults: faults });
        },
      },
    },
  );
};

/** Says something every half second until all of it is heard by everybody: from then on each knows who listens. */
function reached(context: ScenarioContext, audience: Audience, nodes: readonly NodeHandle[], within: number) {
  let said = 0;
  return context.eventually(
    'what one says is heard by everybody',
    async () => {
      await audience.say(nodes[0]!, [`probe ${++said}`]);
      await context.clock.sleep(PROBE_EVERY_MS, context.signal);
      return nodes.every((node) => audience.count(node) === said);
    },
    within,
  );
}

/** Ends the nodes, one half at once and the other in good order, and starts them again; `speak` has somebody say something meanwhile. */
async function churned(
  { clock, faults: tools, signal }: ScenarioContext,
  nodes: readonly NodeHandle[],
  speak: (turn: number) => Promise<void>,
): Promise<{ readonly faults: readonly Fault[]; readonly said: number }> {
  const each = Math.ceil(nodes.length / ROUNDS);
  const rounds: Fault[][] = [];
  let said = 0;
  const over = new AbortController();
  const speaking = (async () => {
    for (; !over.signal.aborted; said++) {
      await speak(said);
      await clock.sleep(EVERY_MS, signal);
    }
  })();
  try {
    for (let round = 0; round < ROUNDS + AWAY; round++) {
      const leaving = nodes.slice(round * each, (round + 1) * each);
      const [faults] = await Promise.all([
        Promise.all(leaving.map((node, index) => (index % 2 === 0 ? tools.kill(node) : tools.restart(node)))),
        Promise.all((rounds[round - AWAY] ?? []).map((fault) => fault.heal())),
        clock.sleep(ROUND_MS, signal),
      ]);
      rounds.push(faults);
    }
  } finally {
    over.abort();
    await speaking;
  }
  return { faults: rounds.flat(), said };
}
