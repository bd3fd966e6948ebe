import { type Suite, suite } from '@muster/lab';
import { contactsOutliveKill } from './contacts.ts';
import { acknowledgedMessagesOutliveKill } from './inbox.ts';
import { logicalIdsOutliveKill } from './logical-ids.ts';
import { pendingMessagesOutliveKill } from './outbox.ts';
import { pages } from './pages.ts';
import { allOutlivesPowerLoss } from './power.ts';
import { contactIsRegister } from './register.ts';
import { replays } from './replays.ts';
import { required } from './requirements.ts';
import { allOutlivesRestart } from './restart.ts';

export const durability: Suite = suite({
  name: 'durability',
  title: 'What was acknowledged outlives the process',
  requirements: Object.values(required),
  scenarios: [
    contactsOutliveKill,
    contactIsRegister,
    acknowledgedMessagesOutliveKill,
    pendingMessagesOutliveKill,
    logicalIdsOutliveKill,
    replays,
    pages,
    allOutlivesPowerLoss,
    allOutlivesRestart,
  ],
});
