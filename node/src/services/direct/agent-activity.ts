/** Direct messages by agent since the node started, for diagnostics. Bounded: those quiet for longest are forgotten. */
import type { AgentId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import { remember } from '../remember.ts';

const MAX_AGENTS = 1_024;

interface Activity {
  succeeded: number;
  failed: number;
  received: number;
  /** of the monotonic clock */
  lastSend: number | undefined;
  lastReceive: number | undefined;
  /** of the last message that was acknowledged */
  path: string | undefined;
}

export class AgentActivity {
  readonly #clock: Clock;
  readonly #agents = new Map<AgentId, Activity>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  sent(agent: AgentId, path: string): void {
    const activity = this.#of(agent);
    activity.succeeded++;
    activity.path = path;
    activity.lastSend = this.#clock.monotonic();
  }

  failed(agent: AgentId): void {
    const activity = this.#of(agent);
    activity.failed++;
    activity.lastSend = this.#clock.monotonic();
  }

  received(agent: AgentId): void {
    const activity = this.#of(agent);
    activity.received++;
    activity.lastReceive = this.#clock.monotonic();
  }

  /** those active last come last */
  entries(): ReadonlyMap<AgentId, Readonly<Activity>> {
    return this.#agents;
  }

  #of(agent: AgentId): Activity {
    const known = this.#agents.get(agent);
    const activity = known ?? { succeeded: 0, failed: 0, received: 0, lastSend: undefined, lastReceive: undefined, path: undefined };
    remember(this.#agents, agent, activity, MAX_AGENTS);
    return activity;
  }
}
