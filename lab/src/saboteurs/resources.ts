/** Bugs that cost nothing at first. */
import { openSync } from 'node:fs';
import type { Saboteur } from './saboteur.ts';

const keepsHandles: Saboteur = {
  name: 'keeps-handles',
  plants: 'keeps a file open for each message that it publishes',
  node: 'alice',
  caughtBy: 'leak/publisher/alice/bounded/files',
  daemons: 'the system counts the handles of processes',
  handlers: (handlers) => ({
    'messaging.publish': (input, context) => {
      openSync('/dev/null', 'r');
      return handlers['messaging.publish'](input, context);
    },
  }),
};

export const resourceSaboteurs: readonly Saboteur[] = [keepsHandles];
