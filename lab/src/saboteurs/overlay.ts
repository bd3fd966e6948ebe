/** Bugs in how messages are carried, and in how a subscription begins. */
import type { Services } from '@muster/node';
import type { Saboteur } from './saboteur.ts';
import { topicEvents } from './wrappings.ts';

type Step = Services['pubsub']['overlay']['machine']['step'];

/** The node's overlay with another reaction to what happens. */
function steps({ pubsub }: Services, change: (step: Step) => Step): void {
  const { machine } = pubsub.overlay;
  machine.step = change(machine.step.bind(machine));
}

const prunesLastEager: Saboteur = {
  name: 'prunes-last-eager',
  plants: 'prunes its last link of a topic, too: what it carries for others it neither pushes nor tells of',
  node: 'bob',
  caughtBy: 'overlay/interest/carried',
  services: (services) =>
    steps(services, (step) => (event) => step(event).filter(({ kind }) => kind !== 'pass' && !(kind === 'tell' && event.kind === 'timer'))),
};

const answersWithNothing: Saboteur = {
  name: 'answers-ihave-with-nothing',
  plants: 'tells of messages and gives none of them when asked',
  node: 'alice',
  caughtBy: 'overlay/away/once',
  services: (services) =>
    steps(services, (step) => (event) => (event.kind === 'want' ? step({ kind: 'timer', now: event.now, wall: event.wall }) : step(event))),
};

const asksForNothing: Saboteur = {
  name: 'ignores-ihave',
  plants: 'takes what it is pushed only: what neighbours tell of it never asks for',
  node: 'carol',
  caughtBy: 'overlay/roots/once',
  services: (services) =>
    steps(services, (step) => (event) => (event.kind === 'have' ? step({ kind: 'timer', now: event.now, wall: event.wall }) : step(event))),
};

const catchesUpTwice: Saboteur = {
  name: 'catches-up-twice',
  plants: 'delivers twice what it asked its neighbours for',
  node: 'bob',
  caughtBy: 'overlay/away/once',
  services: (services) => {
    const asked = new Set<string>();
    steps(
      services,
      (step) => (event) =>
        step(event).flatMap((effect) => {
          if (effect.kind === 'tell' && effect.what === 'want') for (const id of effect.ids) asked.add(id);
          const twice = effect.kind === 'outcome' && effect.outcome === 'accepted' && asked.delete(effect.content.message!.id);
          // What is settled is emptied: the second time it is a copy.
          return twice ? [effect, { ...effect, content: { ...effect.content } }] : [effect];
        }),
    );
  },
};

const believesRoots: Saboteur = {
  name: 'believes-any-root',
  plants: 'takes every beat of a root for a true one',
  node: 'bob',
  caughtBy: 'overlay/roots/cut',
  services: ({ pubsub }) => {
    pubsub.overlay.machine.trees.roots.proves = () => true;
  },
};

const takesCrowds: Saboteur = {
  name: 'takes-crowds-in',
  plants: 'does not see that its neighbours are all at one address',
  node: 'bob',
  caughtBy: 'overlay/eclipse/share',
  services: (services) => steps(services, (step) => (event) => step(event.kind === 'link_up' ? { ...event, site: undefined } : event)),
};

const losesFirst: Saboteur = {
  name: 'loses-first-message',
  plants: 'loses the first message after subscribe',
  node: 'carol',
  caughtBy: 'overlay/interest/next',
  handlers: (handlers) =>
    topicEvents(handlers, async function* (events) {
      const begun = new Set<string>();
      for await (const event of events) {
        const { subscription_id } = event.data.data;
        if (begun.has(subscription_id)) yield event;
        else begun.add(subscription_id);
      }
    }),
};

export const overlaySaboteurs: readonly Saboteur[] = [
  prunesLastEager,
  answersWithNothing,
  asksForNothing,
  catchesUpTwice,
  believesRoots,
  takesCrowds,
  losesFirst,
];
