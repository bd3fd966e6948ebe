import { type Suite, suite } from '@muster/lab';
import { alone } from './alone.ts';
import { halfOpenLinks } from './half-open.ts';
import { isolation } from './isolation.ts';
import { killedPeer } from './killed.ts';
import { lateJoiner } from './late-joiner.ts';
import { order } from './order.ts';
import { pausedPeer } from './paused.ts';
import { required } from './requirements.ts';
import { simultaneousStart } from './simultaneous.ts';

export const links: Suite = suite({
  name: 'links',
  title: 'Peers are found, lost and found again',
  requirements: Object.values(required),
  scenarios: [simultaneousStart, alone, lateJoiner, isolation, killedPeer, pausedPeer, halfOpenLinks, order],
});
