/** Bugs in how direct messages are taken that come without a link. */
import { createDecipheriv } from 'node:crypto';
import { acknowledgesLater } from './acknowledges-later.ts';
import type { Saboteur } from './saboteur.ts';

const TAG_BYTES = 16;

const acknowledgesLettersEarly: Saboteur = {
  name: 'acknowledges-letters-before-commit',
  plants: 'acknowledges what comes over its inbox topic and commits it only later',
  node: 'carol',
  caughtBy: 'routes/killed/exactly-once',
  ports: acknowledgesLater,
};

const opensTampered: Saboteur = {
  name: 'opens-tampered-boxes',
  plants: 'deciphers what is sealed without asking whether it was changed',
  node: 'alice',
  caughtBy: 'routes/tampered/counted',
  ports: (ports) => ({
    ...ports,
    crypto: {
      ...ports.crypto,
      // Without a look at the tag.
      open: (key, nonce, sealed, associated) =>
        createDecipheriv('aes-256-gcm', key, nonce)
          .setAAD(associated)
          .update(sealed.subarray(0, sealed.length - TAG_BYTES)),
    },
  }),
};

export const routesSaboteurs: readonly Saboteur[] = [acknowledgesLettersEarly, opensTampered];
