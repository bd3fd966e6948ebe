/** Holds a run that never ends, in the temporary directory that it was given. For the lab's own tests. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signerFromSeed } from '@muster/proof';
import { prove } from '../runner/prove.ts';
import { scenario, suite } from '../runner/scenario.ts';
import { localTarget } from '../targets/local-target.ts';
import { fakeDaemon } from './fake-daemon.ts';

const waits = scenario({
  id: 'test/waits',
  title: 'waits',
  requirements: [],
  needs: { nodes: 1 },
  phases: {
    async drive({ clock, signal }) {
      process.stdout.write('running\n');
      await clock.sleep(60_000, signal);
    },
  },
});

await prove({
  suites: [suite({ name: 'test', title: 'Test', requirements: [], scenarios: [waits] })],
  target: localTarget({ command: fakeDaemon() }),
  out: join(tmpdir(), 'bundle'),
  runner: signerFromSeed(new Uint8Array(32).fill(7)),
  seed: '1',
  tool: { name: 'muster', version: '0' },
  reproduce: 'muster prove',
});
