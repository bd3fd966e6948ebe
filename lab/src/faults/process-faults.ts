/** Faults of a daemon's process. What they did is read from the process table and from its API. */
import type { Json } from '@muster/proof';
import { DaemonNotReady, type LocalNode } from '../world/local-node.ts';
import { REFUSED } from './daemon-faults.ts';
import { type Mechanism, NotYet } from './fault-injector.ts';

/** How long a paused daemon is given to break its silence. */
const SILENCE_MS = 300;

async function isGone(node: LocalNode): Promise<Json | undefined> {
  const members = await node.process.members();
  const health = await node.health(SILENCE_MS);
  return members.length === 0 && health.state === 'refused' ? { processes: 0, api: 'refused' } : undefined;
}

async function isHealthy(node: LocalNode): Promise<Json | undefined> {
  const health = await node.health();
  return health.state === 'healthy' ? { api: 'healthy', pid: node.process.pid } : undefined;
}

/** A daemon has the right not to come up while its disk is full. */
async function start(node: LocalNode): Promise<Json> {
  try {
    const { ms } = await node.start();
    return { pid: node.process.pid, boot_ms: Math.round(ms) };
  } catch (error) {
    const { dataDir } = node.home;
    if (!(error instanceof DaemonNotReady) || !node.disks?.isFull(dataDir)) throw error;
    node.expectEnd();
    const lines = error.message.replaceAll(dataDir, 'DATA').split('\n');
    throw new NotYet(`it does not come up while its disk is full: ${(lines.find((line) => REFUSED.test(line)) ?? lines.at(-1)!).trim()}`, {
      cause: error,
    });
  }
}

/** SIGKILL to the daemon and all it started. Heals by starting it again: same home, same identity. */
export function kill(node: LocalNode): Mechanism {
  return {
    kind: 'kill',
    node: node.name,
    async apply() {
      const { pid } = node.process;
      const exit = await node.kill();
      return { pid, signal: exit.signal };
    },
    bites: () => isGone(node),
    heal: () => start(node),
    healed: () => isHealthy(node),
  };
}

/** An orderly end. Heals by starting it again: same home, same identity. */
export function restart(node: LocalNode): Mechanism {
  return {
    ...kill(node),
    kind: 'restart',
    async apply() {
      const { pid } = node.process;
      const exit = await node.stop();
      return { pid, code: exit.code, signal: exit.signal };
    },
  };
}

/** SIGSTOP to the daemon and all it started: its sockets stay open and nobody answers. */
export function pause(node: LocalNode): Mechanism {
  return {
    kind: 'pause',
    node: node.name,
    async apply() {
      node.process.signal('SIGSTOP');
      return { pid: node.process.pid };
    },
    async bites() {
      const members = await node.process.members();
      if (members.length === 0 || members.some(({ state }) => !state.startsWith('T'))) return undefined;
      const health = await node.health(SILENCE_MS);
      return health.state === 'silent' ? { stopped: members.length, api: 'silent' } : undefined;
    },
    async heal() {
      node.process.signal('SIGCONT');
      return { pid: node.process.pid };
    },
    healed: () => isHealthy(node),
  };
}
