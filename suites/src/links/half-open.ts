/** One node is cut off from two others in one direction each: one no longer hears it, the other is no longer heard by it. */
import { type NodeHandle, scenario, type ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { heardOnce, listen, publish } from './listener.ts';
import { payloadOf } from '../nodes.ts';
import { threeOf } from '../nodes.ts';
import { untilMeshed } from './peers.ts';
import { HEALED_MS, NOTICED_MS, required } from './requirements.ts';
import { untilLost, within } from './timing.ts';

export const halfOpenLinks = scenario({
  id: 'links/half-open',
  title: 'a link that is cut in one direction, whichever, is noticed at both ends and made again',
  requirements: [required.halfOpen.id, required.healed.id],
  needs: { nodes: 3, powers: ['half-open'], wiring: 'proxied' },
  phases: {
    async drive(context) {
      const { claim, faults } = context;
      const [alice, bob, carol] = threeOf(context);
      await untilMeshed(context, [alice, bob, carol], HEALED_MS);
      const topic = context.topic('news');
      const [atBob, atCarol] = await Promise.all([listen(context, bob, topic), listen(context, carol, topic)]);

      const [unheard, deaf] = await Promise.all([
        faults.halfOpen(linkBetween(context, alice, bob), alice),
        faults.halfOpen(linkBetween(context, alice, carol), carol),
      ]);
      const ends = [
        { fault: unheard, check: 'dialler-unhearing', node: bob, gone: alice, title: 'the dialler, which hears nothing any more, notices' },
        { fault: unheard, check: 'listener-unheard', node: alice, gone: bob, title: 'the listener, which is no longer heard, notices' },
        { fault: deaf, check: 'listener-unhearing', node: alice, gone: carol, title: 'the listener, which hears nothing any more, notices' },
        { fault: deaf, check: 'dialler-unheard', node: carol, gone: alice, title: 'the dialler, which is no longer heard, notices' },
      ];
      const noticed = await Promise.all(ends.map(({ node, gone }) => untilLost(context, node, gone)));
      for (const [index, { fault, check, title }] of ends.entries())
        claim(check, required.halfOpen.id, 'MUST', within(NOTICED_MS, fault, 'applied', noticed[index]!), { title, needsFaults: [fault] });

      const healing = Promise.all([unheard.heal(), deaf.heal()]);
      const back = await untilMeshed(context, [alice, bob, carol], HEALED_MS, 'all are linked again');
      await publish(context, alice, topic, 'we are back');
      const heard = await Promise.all([atBob.heard('we are back', HEALED_MS), atCarol.heard('we are back', HEALED_MS)]);
      const greeting = { agent_id: alice.agentId, payload: payloadOf('hello again') };
      const [fromBob, fromCarol] = await Promise.all([bob.rest('direct.send', greeting), carol.rest('direct.send', greeting)]);
      await healing;

      const needsFaults = [unheard, deaf];
      const check = (name: string, title: string, what: Parameters<typeof claim>[3]): void =>
        claim(name, required.healed.id, 'MUST', what, { title, needsFaults });
      check('back', 'all list each other again', within(HEALED_MS, deaf, 'healed', back));
      check('bob-hears', 'a message arrives at the one', within(HEALED_MS, deaf, 'healed', heard[0]));
      check('carol-hears', 'a message arrives at the other', within(HEALED_MS, deaf, 'healed', heard[1]));
      check('bob-once', 'once at the one', heardOnce(bob, topic, 'we are back'));
      check('carol-once', 'once at the other', heardOnce(carol, topic, 'we are back'));
      check('bob-direct', 'a direct message of the one is acknowledged', claims.status(fromBob, 200));
      check('carol-direct', 'a direct message of the other is acknowledged', claims.status(fromCarol, 200));
    },
  },
});

function linkBetween({ links }: ScenarioContext, one: NodeHandle, other: NodeHandle) {
  const found = links.find(({ from, to }) => (from === one.name && to === other.name) || (from === other.name && to === one.name));
  if (!found) throw new Error(`no link between ${one.name} and ${other.name} can be cut`);
  return found;
}
