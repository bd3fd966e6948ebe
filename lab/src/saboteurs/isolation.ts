/** Bugs that show when somebody does too much: others pay for it. */
import type { Services } from '@muster/node';
import type { Saboteur } from './saboteur.ts';

type Heard = Parameters<NonNullable<Parameters<Services['links']['on']>[0]['message']>>[1];

/** ms in which a rush is forgotten, about */
const FADES_MS = 500;
const LOOK_MS = 50;

/** Writes to nobody while neighbours say so many more of these things than fade meanwhile. */
function putsOff(most: number, count: (heard: Heard) => number): NonNullable<Saboteur['handlers']> {
  return (handlers, { links }, clock) => {
    let [level, at] = [0, clock.monotonic()];
    const now = (): number => {
      const passed = clock.monotonic() - at;
      at += passed;
      return (level *= Math.exp(-passed / FADES_MS));
    };
    links.on({
      up: () => {},
      down: () => {},
      message: (_, message) => {
        const more = count(message);
        if (more > 0) level = now() + more;
      },
    });
    return {
      'direct.send': async (input, context) => {
        while (now() > most) await clock.sleep(LOOK_MS);
        return handlers['direct.send'](input, context);
      },
    };
  };
}

const drownsInFloods: Saboteur = {
  name: 'drowns-in-floods',
  plants: 'sends no direct message while a neighbour publishes a lot',
  node: 'alice',
  caughtBy: 'isolation/flood/prompt',
  handlers: putsOff(30, ({ kind }) => (kind === 'publish' ? 1 : 0)),
};

const drownsInTopics: Saboteur = {
  name: 'drowns-in-topics',
  plants: 'sends no direct message while a neighbour takes up many topics',
  node: 'alice',
  caughtBy: 'isolation/topics/prompt',
  handlers: putsOff(200, (message) => (message.kind === 'overlay' && message.control.kind === 'topics' ? message.control.items.length : 0)),
};

const ponders: Saboteur = {
  name: 'ponders-forgeries',
  plants: 'looks at each bad signature for a third of a second, and at no other one meanwhile',
  node: 'alice',
  caughtBy: 'isolation/forged/prompt',
  ports: (ports) => {
    let last: Promise<unknown> = Promise.resolve();
    const verify: typeof ports.crypto.verify = (...signed) => {
      const verdict = last.then(async () => {
        const good = await ports.crypto.verify(...signed);
        if (!good) await ports.clock.sleep(333);
        return good;
      });
      last = verdict.catch(() => undefined);
      return verdict;
    };
    return { ...ports, crypto: { ...ports.crypto, verify } };
  },
};

export const isolationSaboteurs: readonly Saboteur[] = [drownsInFloods, drownsInTopics, ponders];
