import { type NodeHandle, type PeerLink, placeOf, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, threeOf } from '../nodes.ts';
import { Audience } from './audience.ts';
import { controlsOf, embellished, inventedRoot, say, Swallower } from './liars.ts';

/** enough that each tree carries some */
const TOPICS = 12;
const BEAT_MS = 1_000;
/** until a parent that gives nothing is held to be no newcomer any more */
const SETTLED_MS = 11_000;
const CUT_MS = 15_000;
/** a message that has to be asked for takes longer */
const ARRIVED_MS = 10_000;
const SCORED_MS = 15_000;
/** the score of a neighbour that nothing is held against is 1 */
const TRUSTED_LESS = 0.9;

export const roots = exercise(
  {
    'overlay.roots': 'Whoever invents a root of the trees, or a beat of one, loses its link; old beats are worth nothing.',
    'overlay.swallower': 'Roots and parents that swallow all they are given cost nobody a message, and are trusted less.',
  },
  {
    id: 'overlay/roots',
    title: 'neighbours that lie about the roots of the trees, and roots that swallow everything',
    needs: { nodes: 3, wiring: 'line', powers: ['world', 'link'], capabilities: ['messaging.publish', 'messaging.events', 'diagnostics.gossip'] },
    limit: 120_000,
    phases: {
      async drive(context) {
        const { claim, clock, eventually, record } = context;
        const nodes = threeOf(context);
        const [alice, bob, carol] = nodes;
        await Promise.all([untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS), untilLinked(context, bob, carol, ARRIVAL_LIMIT_MS)]);
        const [first, ...others] = Array.from({ length: TOPICS }, (_, index) => context.topic(`swallowed-${index + 1}`)) as [string, ...string[]];
        await using all = await Audience.of(context, nodes, first, ...others);
        const place = await placeOf(bob);
        await using liar = new ScriptedPeer(place);
        const { crypto } = liar;
        const ids = nodes.map(({ machineId }) => machineId);
        await using lowest = new Swallower(place, crypto, 'lowest', ids);
        await using highest = new Swallower(place, crypto, 'highest', ids);
        for (const swallower of [lowest, highest]) for (const node of nodes) await swallower.dial((await placeOf(node)).address);
        let last = -Infinity;
        const beat = async (): Promise<void> => {
          if (clock.monotonic() - last < BEAT_MS) return;
          last = clock.monotonic();
          await Promise.all([lowest, highest].map((swallower) => swallower.beat(clock.now())));
        };
        const meanwhile = (what: string, done: () => Promise<boolean> | boolean, within: number) =>
          eventually(what, async () => (await beat(), await done()), within);

        await meanwhile('both are parents', () => lowest.trustedWith >= TOPICS && highest.trustedWith >= TOPICS, ARRIVED_MS);
        const begun = clock.monotonic();
        const premise = record.observe('lab', 'overlay', 'swallowers', { least: Math.min(lowest.trustedWith, highest.trustedWith) });

        const everybody = [...ids, lowest.peer.machineId];
        for (const [name, lie] of Object.entries({
          invents: async (link: PeerLink) => {
            const [anchor, place] = inventedRoot(crypto, everybody, clock.now());
            say(link, { kind: 'root', anchor });
            say(link, { kind: 'beacon', trees: [place, place] });
          },
          embellishes: async (link: PeerLink) => say(link, { kind: 'beacon', trees: embellished(crypto, link) }),
        })) {
          await using one = new ScriptedPeer(place);
          const link = await one.dial(place.address);
          say(link, { kind: 'join' });
          await meanwhile(`${name}: bob says where it stands`, () => controlsOf(link).some(({ kind }) => kind === 'beacon'), ARRIVAL_LIMIT_MS);
          const cut = await meanwhile(`${name}: cut off`, async () => (await lie(link), link.isClosed), CUT_MS);
          claim(`cut/${name}`, 'overlay.roots', 'MUST', claims.atMost({ seq: cut.seq, at: '/data/ms' }, CUT_MS, 'ms'), {
            title: `a neighbour that ${name} beats is cut off`,
          });
        }

        const link = await liar.dial(place.address);
        say(link, { kind: 'join' });
        await meanwhile('the parents are no newcomers any more', () => clock.monotonic() - begun >= SETTLED_MS, 2 * SETTLED_MS);
        const old = controlsOf(link).filter(({ kind }) => kind === 'root' || kind === 'beacon');
        const repeated = record.observe('lab', 'overlay', 'repeated', { of: old.length });
        for (const control of [...old, ...old]) say(link, control);
        for (const topic of all.topics)
          for (const node of nodes) {
            await all.say(node, [`${node.name} says`], topic);
            await beat();
          }
        const said = TOPICS * nodes.length;
        await meanwhile('everything arrived', () => nodes.every((node) => all.count(node) >= said), ARRIVED_MS);
        const distrusted = async (): Promise<boolean> => (await scoreOf(nodes, [lowest, highest])) <= TRUSTED_LESS;
        await meanwhile('the swallowers are trusted less', distrusted, SCORED_MS);
        const score = record.observe('lab', 'overlay', 'score', { lowest: await scoreOf(nodes, [lowest, highest]) });

        const options = { premise: claims.atLeast({ seq: premise.seq, at: '/data/least' }, TOPICS) };
        for (const [index, topic] of all.topics.entries()) {
          claim(`once/${index + 1}`, 'overlay.swallower', 'MUST', all.exactlyOnce(nodes, topic), options);
        }
        claim('score', 'overlay.swallower', 'MUST', claims.atMost({ seq: score.seq, at: '/data/lowest' }, TRUSTED_LESS), options);
        claim('repeated', 'overlay.roots', 'MUST', all.exactlyOnce(nodes), {
          title: 'old beats that are repeated keep nothing from anybody',
          premise: claims.atLeast({ seq: repeated.seq, at: '/data/of' }, 4),
        });
      },
    },
  },
);

/** The worst that any of the nodes holds of any of them. */
async function scoreOf(nodes: readonly NodeHandle[], swallowers: readonly Swallower[]): Promise<number> {
  const held = await Promise.all(nodes.map(async ({ client }) => (await client.diagnostics.gossip()).pubsub_stages.peer_scores));
  const theirs = held.flat().filter(({ peer_id }) => swallowers.some(({ peer }) => peer.machineId === peer_id));
  return Math.min(1, ...theirs.map(({ score }) => score));
}
