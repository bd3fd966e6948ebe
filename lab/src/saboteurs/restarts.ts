/** Bugs in what is still there when a node comes back. */
import { overlaid } from './overlaid.ts';
import type { Saboteur } from './saboteur.ts';
import { forgets } from './wrappings.ts';

const forgetsRevocation: Saboteur = {
  name: 'forgets-revocation',
  plants: 'loses its revocations when it starts again',
  node: 'alice',
  caughtBy: 'durability/contacts/revocations',
  ports: (ports) => forgets(ports, ['revocation/']),
};

const forgetsLogicalIds: Saboteur = {
  name: 'forgets-logical-ids',
  plants: 'takes a message for a new one when it comes again after a restart',
  node: 'alice',
  caughtBy: 'durability/logical-ids/recipient-once',
  ports: (ports) => forgets(ports, ['inbox-logical/', 'outbox-logical/']),
};

const forgetsPending: Saboteur = {
  name: 'forgets-pending',
  plants: 'loses what it had not delivered yet when it starts again',
  node: 'alice',
  caughtBy: 'durability/outbox/never-arrived',
  ports: (ports) => forgets(ports, ['outbox/']),
};

const forgetsReplays: Saboteur = {
  name: 'forgets-replays',
  plants: 'forgets what it has delivered when it starts again',
  node: 'alice',
  caughtBy: 'durability/replays/unheard',
  ports: (ports) => forgets(ports, ['replay/']),
};

const neverSyncs: Saboteur = {
  name: 'never-syncs',
  plants: 'promises that all is on the disk, and leaves it to the system when',
  node: 'alice',
  caughtBy: 'durability/power/contacts',
  ports: ({ store, ...ports }) => ({ ...ports, store: overlaid(store, { batch: (writes) => store.batch(writes, 'relaxed') }) }),
};

export const restartSaboteurs: readonly Saboteur[] = [forgetsRevocation, forgetsLogicalIds, forgetsPending, forgetsReplays, neverSyncs];
