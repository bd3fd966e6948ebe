/** A process of `muster oracles` that runs trials on virtual time, one after the other, for whoever started it. */
import { simulator, systemClock } from '@muster/lab';
import { defaultSuites, suites } from '@muster/suites';
import type { Asked, Answered } from './oracle-workers.ts';
import { messageOf } from './failure.ts';

const run = simulator({ suites, healthySuites: defaultSuites }, systemClock);
const answer = (answered: Answered): void => void process.send!(answered);

process.on('disconnect', () => process.exit());
// Who is asked to end is waiting for nothing any more; a Ctrl-C is for the one that started us.
process.on('SIGINT', () => undefined);
process.on('message', ({ trial }: Asked) => {
  run(trial).then(
    (outcome) => answer({ outcome }),
    (error: unknown) => answer({ error: messageOf(error) }),
  );
});
