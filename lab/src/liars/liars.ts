/** Nodes of the overlay that lie: unmodified but for what they make of their part in it. Cryptography holds: nobody signs for others. */
import { createNode, type Services } from '@muster/node';
import type { Compose } from '../sim/machine.ts';

type Step = Services['pubsub']['overlay']['machine']['step'];
type Effect = ReturnType<Step>[number];
type Passed = Extract<Effect, { kind: 'pass' }>;

export const LIARS = ['forges', 'drops', 'invents-interest', 'replays', 'duplicates', 'floods'] as const;
export type Liar = (typeof LIARS)[number];

const COPIES = 3;
/** older messages that are passed on beside each new one */
const REPLAYED = 5;
const REMEMBERED = 100;
/** made-up topics, and ids of messages that there are not, told to each neighbour at a time */
const TOPICS = 128;
const TOPIC_LISTS = 4;
const IDS = 128;
const INVENTS_EVERY_MS = 1_000;
const ID_HEX = 64;

interface Chance {
  next(): number;
}

/** What comes out of the machine, as the liar would have it. */
const LIES: Readonly<Record<Liar, (chance: Chance) => (effects: readonly Effect[], neighbours: readonly Passed['peer'][]) => Effect[]>> = {
  drops: () => (effects) => effects.filter(({ kind }) => kind !== 'pass' && kind !== 'tell'),
  duplicates: () => (effects) =>
    effects.flatMap((effect): Effect[] => (effect.kind === 'pass' ? Array.from({ length: COPIES }, () => effect) : [effect])),
  forges: () => (effects) => effects.map((effect): Effect => (effect.kind === 'pass' ? { ...effect, item: forged(effect.item) } : effect)),
  replays: () => {
    const older: Passed['item'][] = [];
    return (effects) =>
      effects.flatMap((effect): Effect[] => {
        if (effect.kind !== 'pass') return [effect];
        older.push(effect.item);
        if (older.length > REMEMBERED) older.shift();
        return [effect, ...older.slice(0, REPLAYED).map((item) => ({ ...effect, item }))];
      });
  },
  'invents-interest': () => {
    let made = 0;
    const join = () => ({ kind: 'join', topic: `made up ${made++}`, asks: 3, known: false, away: 0 }) as const;
    const control = () => ({ kind: 'topics', items: Array.from({ length: TOPICS }, join) }) as const;
    return (effects, neighbours) => [
      ...effects,
      ...neighbours.flatMap((peer) => Array.from({ length: TOPIC_LISTS }, (): Effect => ({ kind: 'send', peer, control: control() }))),
    ];
  },
  floods: (chance) => {
    const word = (): string =>
      Math.floor(chance.next() * 2 ** 48)
        .toString(16)
        .padStart(12, '0');
    const ids = () => Array.from({ length: IDS }, () => Array.from({ length: 6 }, word).join('').slice(0, ID_HEX));
    return (effects, neighbours) => [...effects, ...neighbours.map((peer): Effect => ({ kind: 'tell', peer, what: 'have', ids: ids() }))];
  },
};

/** The same message with one bit of its signature turned over. */
function forged(item: Passed['item']): Passed['item'] {
  const bytes = item.content.bytes.slice();
  bytes[bytes.length - 1]! ^= 1; // the signature is the last item
  return { ...item, content: { ...item.content, bytes } };
}

export function lying(liar: Liar): Compose {
  return (settings, ports, identity) => {
    const node = createNode(settings, ports, identity);
    const { machine } = node.services.pubsub.overlay;
    const honest: Step = machine.step.bind(machine);
    const lie = LIES[liar](ports.random);
    const neighbours = new Set<Passed['peer']>();
    let next = 0;
    machine.step = (event) => {
      if (event.kind === 'link_up') neighbours.add(event.peer);
      if (event.kind === 'link_down') neighbours.delete(event.peer);
      const invents = event.kind === 'timer' && event.now >= next;
      if (invents) next = event.now + INVENTS_EVERY_MS;
      return lie(honest(event), invents ? [...neighbours] : []);
    };
    return node;
  };
}
