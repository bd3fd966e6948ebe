import { type PeerLink, placeOf, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { toHex, WALK_ID_BYTES } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { peersOf } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, keepContact } from '../nodes.ts';

const PASSED_ON_MS = 3_000;

export const walk = exercise(
  {
    'presence.walk':
      'A search from friend to friend goes as many steps as it was given: each node passes it on with one less, the last one to nobody.',
  },
  {
    id: 'presence/walk',
    title: 'a search ends where its steps are used up',
    needs: { nodes: 1, powers: ['world', 'link'], capabilities: ['presence.foaf', 'contacts.setTrust'] },
    phases: {
      async drive(context) {
        const { claim, eventually, need, random, record } = context;
        const node = context.nodes[0]!;
        const place = await placeOf(node);
        await using asker = new ScriptedPeer(place);
        await using neighbour = new ScriptedPeer(place);
        // Trusted ones are asked first: the neighbour is among them, whoever else is linked.
        const restore = await keepContact(context, node, neighbour.agentId);
        await need(node.rest('contacts.setTrust', { agent_id: neighbour.agentId, level: 'trusted' }), 'it trusts the neighbour');
        const links = [await asker.dial(place.address), await neighbour.dial(place.address)] as const;
        const linked = async (): Promise<boolean> => {
          const peers = await peersOf(node, context.signal);
          return [asker, neighbour].every(({ machineId }) => peers?.includes(machineId));
        };
        await eventually('both are its peers', linked, ARRIVAL_LIMIT_MS);
        const walks: string[] = [];
        const ask = (ttl: number): number => {
          const id = random.bytes(WALK_ID_BYTES);
          links[0].send({ kind: 'presence', control: { kind: 'query', walk: id, ttl, target: null } });
          return walks.push(toHex(id)) - 1;
        };
        /** What a link was told about one of the walks. */
        const told = <K extends 'query' | 'answer'>(link: PeerLink, kind: K, which: number) =>
          link.received.flatMap((message) =>
            message.kind === 'presence' && message.control.kind === kind && toHex(message.control.walk) === walks[which] ? [message.control] : [],
          );

        const [first, last, further] = [ask(2), ask(1), ask(2)] as const;
        // What is passed on comes in order: with the last of them there, nothing more comes of those before it.
        await eventually('the neighbour is asked for the last time', () => told(links[1], 'query', further).length > 0, PASSED_ON_MS);
        await eventually('all are answered', () => walks.every((_, which) => told(links[0], 'answer', which).length > 0), PASSED_ON_MS);
        const steps = (which: number) => told(links[1], 'query', which).map((query) => (query.kind === 'query' ? query.ttl : 0));
        const promised = told(links[0], 'answer', last).map((answer) => (answer.kind === 'answer' ? answer.forwarded : 0));
        const seen = record.observe(node.name, 'walk', 'passed on', { first: steps(first), last: steps(last), further: steps(further), promised });
        const value = (path: string) => ({ seq: seen.seq, at: `/data/${path}` }) as const;
        const premise = claims.equals(value('further'), { value: [1] });
        claim('one-less', 'presence.walk', 'MUST', claims.equals(value('first'), { value: [1] }));
        claim('ends', 'presence.walk', 'MUST', claims.equals(value('last'), { value: [] }), { premise });
        claim('says-so', 'presence.walk', 'MUST', claims.equals(value('promised'), { value: [0] }), { premise });
        await restore();
      },
    },
  },
);
