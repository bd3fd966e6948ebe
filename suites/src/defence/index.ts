import { type Suite, suite } from '@muster/lab';
import { blockedPeer } from './blocked.ts';
import { forgedSignatures } from './forged.ts';
import { cards } from './cards.ts';
import { brokenFrames } from './frames.ts';
import { imposter } from './imposter.ts';
import { otherNetwork } from './network.ts';
import { replays } from './replayed.ts';
import { required } from './requirements.ts';
import { silentPeers } from './silence.ts';
import { unsubscribedTopic } from './unsubscribed.ts';
import { untimely } from './untimely.ts';

export const defence: Suite = suite({
  name: 'defence',
  title: 'A peer that breaks the rules gets nowhere',
  requirements: Object.values(required),
  scenarios: [forgedSignatures, replays, untimely, otherNetwork, brokenFrames, imposter, unsubscribedTopic, blockedPeer, silentPeers, cards],
});
