import { fileURLToPath } from 'node:url';
import { type DaemonCommand, ownDaemon } from '../world/daemon-command.ts';

/** `children`: starts two, one outside its group. `refuse`: ends at once. `chatters`: says 200 lines at once, and no more. `stubborn`: ignores SIGTERM. `blabs`: says its token and ends. `tells`: says it whenever its health is asked for. `tells-on`: says that of bob, as soon as there is one. `says-yes`: answers 200 to anything. */
export type FakeBehaviour = 'children' | 'refuse' | 'chatters' | 'blabs' | 'tells' | 'tells-on' | 'stubborn' | 'says-yes';

export function fakeDaemon(behaviour?: FakeBehaviour): DaemonCommand {
  const entry = fileURLToPath(new URL('fake-daemon.mjs', import.meta.url));
  return { ...ownDaemon(entry), implementation: 'fake', env: behaviour ? { FAKE_DAEMON: behaviour } : {} };
}
