import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { within } from '../links/timing.ts';
import { Audience } from './audience.ts';

const NODES = 30;
/** of them in one process, which is killed */
const KILLED = 10;
const HEALED_MS = 5_000;
const AFTERWARDS = 100;
const PATIENCE_MS = 60_000;

export const survivors = exercise(
  {
    'overlay.healed': 'When 10 of 30 nodes are killed at once, each of the rest hears each other again within 5 s.',
    'overlay.unmissed': 'Nothing that is published after ten of thirty nodes were killed is missed by the rest, or heard twice.',
  },
  {
    id: 'overlay/survivors',
    title: 'ten of thirty nodes are killed at once, and the rest misses nothing',
    needs: {
      nodes: NODES,
      wiring: 'star',
      config: { heartbeat_interval_secs: 300 },
      crowd: KILLED,
      powers: ['kill'],
      capabilities: ['messaging.publish', 'messaging.events'],
    },
    limit: 300_000,
    phases: {
      async drive(context) {
        const { claim, faults, nodes, topic } = context;
        const victims = nodes.slice(NODES - KILLED);
        const rest = nodes.slice(0, NODES - KILLED);
        await using before = await Audience.of(context, nodes, topic('before'));
        await Promise.all(nodes.map((node) => before.say(node, [`${node.name} is here`])));
        const met = await before.heard(nodes, NODES, 'everyone has heard everyone', PATIENCE_MS);
        // One stream for each node at a time: each tells of everything.
        await before[Symbol.asyncDispose]();
        await using after = await Audience.of(context, rest, topic('after'));
        const fault = await faults.kill(victims[0]!);
        await Promise.all(rest.map((node) => after.say(node, [`${node.name} is still here`])));
        const healed = await after.heard(rest, rest.length, 'the rest has heard the rest', PATIENCE_MS);
        await after.sayMany(rest, AFTERWARDS, 'afterwards');
        await after.heard(rest, rest.length + AFTERWARDS, 'the rest has heard what followed', PATIENCE_MS);

        const options = { needsFaults: [fault], premise: claims.exists({ seq: met.seq, at: '/data/ms' }) };
        claim('healed', 'overlay.healed', 'MUST', within(HEALED_MS, fault, 'applied', healed), options);
        claim('once', 'overlay.unmissed', 'MUST', after.exactlyOnce(rest), options);
      },
    },
  },
);
