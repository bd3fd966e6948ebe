/** The presence service of many nodes on virtual time, over a gossip that reaches whoever is connected, late and with losses. */
import { PRESENCE_TOPIC } from '@muster/protocol';
import type { AgentId, Hello, MachineId, NetworkId } from '@muster/protocol';
import { nodeCrypto } from '../../engines/crypto.ts';
import { HandClock } from '../../testing/hand-clock.ts';
import { Counters } from '../counters.ts';
import type { Link } from '../links/link.ts';
import type { LinkEvents } from '../links/link-table.ts';
import type { Guard, TopicMessage } from '../messaging/pubsub.ts';
import { PresenceService } from './presence-service.ts';
import type { PresenceParts, PresenceSettings } from './presence-service.ts';

export const modelCrypto = nodeCrypto();
export const MODEL_NETWORK = 'ab'.repeat(32) as NetworkId;
/** ms that gossip takes */
const TRAVEL = { least: 5, most: 60 };
const SETTINGS: PresenceSettings = { beaconIntervalMs: 30_000, offlineTimeoutMs: 300_000, eventPollMs: 1_000 };

export interface ModelAgent {
  readonly agent: AgentId;
  readonly machine: MachineId;
  readonly service: PresenceService;
  readonly counters: Counters;
  readonly neighbours: Set<ModelAgent>;
  readonly rejected: Set<AgentId>;
  readonly hears: (message: TopicMessage) => void;
  /** it is told of what was said before it listened: judged, to be passed on, but not delivered */
  readonly told: (message: TopicMessage) => void;
  readonly linked: LinkEvents;
  alive: boolean;
}

export class ModelPresence {
  readonly clock = new HandClock();
  readonly agents: ModelAgent[] = [];
  readonly #settings: PresenceSettings;
  /** share of messages that do not reach a receiver */
  loss = 0;
  published = 0;
  #state = 20_261_121;

  constructor(settings: Partial<PresenceSettings> = {}) {
    this.#settings = { ...SETTINGS, ...settings };
  }

  /** Seeded (mulberry32). */
  readonly random = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  /** A node that begins now; `instead`: the same agent in a new process. */
  start(instead?: ModelAgent): ModelAgent {
    const agent = instead?.agent ?? ((this.agents.length + 1).toString(16).padStart(64, '0') as AgentId);
    const machine = `aa${agent.slice(2)}` as MachineId;
    const counters = new Counters();
    const rejected = new Set<AgentId>();
    const neighbours = new Set<ModelAgent>();
    let hears: ModelAgent['hears'] = () => {};
    let refuses: (message: object) => string | undefined = () => undefined;
    let linked: LinkEvents | undefined;
    const model = { alive: true } as { alive: boolean; self?: ModelAgent };
    const parts = {
      identity: { agentId: agent, machineId: machine },
      pubsub: {
        subscribe: (topic: string, deliver: (message: TopicMessage, id: string) => void) => {
          hears = (message) => deliver(message, '');
          return { id: '', topic, [Symbol.dispose]: () => (hears = () => {}) };
        },
        guard: (_: string, judge: Guard) => {
          refuses = (message) => judge(message as never);
          return { [Symbol.dispose]: () => {} };
        },
        publish: async (topic: string, payload: Uint8Array) => {
          if (model.self?.alive) this.#spread(model.self, messageOf(agent, payload, topic));
        },
      },
      contacts: { rejects: (who: AgentId) => rejected.has(who), blocked: (who: AgentId) => rejected.has(who), chosen: () => false },
      links: {
        on: (events: LinkEvents) => (linked = events),
        get size() {
          return neighbours.size;
        },
        toAgent: (who: AgentId) => [...neighbours].find((each) => each.agent === who) as Link | undefined,
      },
      clock: this.clock,
      random: { next: this.random },
      crypto: modelCrypto,
      network: MODEL_NETWORK,
      counters,
      log: { write: () => {} },
      addresses: () => ['127.0.0.1:1', '8.8.8.8:1'],
      settings: this.#settings,
    } as unknown as PresenceParts;
    const service = new PresenceService(parts);
    const judged = ({ kind, topic, sender, payload }: TopicMessage): string | undefined => refuses({ header: { kind, to: topic }, sender, payload });
    const self: ModelAgent = {
      agent,
      machine,
      service,
      counters,
      neighbours,
      rejected,
      hears: (message) => {
        if (message.sender === agent || !judged(message)) hears(message);
      },
      told: (message) => void judged(message),
      linked: linked!,
      alive: true,
    };
    model.self = self;
    if (instead) this.agents.splice(this.agents.indexOf(instead), 1);
    this.agents.push(self);
    service.start();
    return self;
  }

  link(one: ModelAgent, other: ModelAgent): void {
    one.neighbours.add(other);
    other.neighbours.add(one);
    one.linked.up(other as unknown as Link, {} as Hello);
    other.linked.up(one as unknown as Link, {} as Hello);
  }

  /** Both ends notice after `ms`. */
  unlink(one: ModelAgent, other: ModelAgent, ms = 0): void {
    one.neighbours.delete(other);
    other.neighbours.delete(one);
    this.clock.after(ms, () => {
      if (one.alive) one.linked.down(other as unknown as Link, 'closed');
      if (other.alive) other.linked.down(one as unknown as Link, 'closed');
    });
  }

  /** Its process is gone; its neighbours notice the ends of their links after `ms`, or never. */
  kill(agent: ModelAgent, ms: number | 'unnoticed'): void {
    agent.alive = false;
    agent.service[Symbol.dispose]();
    for (const neighbour of agent.neighbours) {
      if (ms === 'unnoticed') neighbour.neighbours.delete(agent);
      else this.unlink(neighbour, agent, ms);
    }
  }

  /** Lets time pass until it holds; ms that took, Infinity after `most`. */
  async until(condition: () => boolean, most: number): Promise<number> {
    const begin = this.clock.now();
    while (!condition()) {
      if (this.clock.now() - begin > most) return Infinity;
      await this.clock.pass(100);
    }
    return this.clock.now() - begin;
  }

  sees(one: ModelAgent, other: ModelAgent): boolean {
    return one.service.isOnline(other.agent);
  }

  /** Everyone alive sees each other one alive. */
  whole(): boolean {
    const alive = this.agents.filter((each) => each.alive);
    return alive.every((one) => alive.every((other) => one === other || this.sees(one, other)));
  }

  end(): void {
    for (const { service } of this.agents) service[Symbol.dispose]();
  }

  #spread(from: ModelAgent, message: TopicMessage): void {
    this.published++;
    from.hears(message);
    const reached = new Set([from]);
    for (const each of reached) for (const next of each.neighbours) if (next.alive) reached.add(next);
    reached.delete(from);
    for (const receiver of reached) {
      if (this.random() < this.loss) continue;
      const travel = TRAVEL.least + this.random() * (TRAVEL.most - TRAVEL.least);
      this.clock.after(travel, () => {
        if (receiver.alive) receiver.hears(message);
      });
    }
  }
}

/** As gossip delivers it. */
export function messageOf(sender: AgentId, payload: Uint8Array, topic: string = PRESENCE_TOPIC): TopicMessage {
  return { topic, payload, sender, senderKey: payload, envelope: payload, trust: null, kind: 'announce', issued: 0 };
}

/** Agents in a ring, each also linked with the one opposite. */
export async function ring(count: number, model: ModelPresence): Promise<ModelAgent[]> {
  const agents = Array.from({ length: count }, () => model.start());
  for (const [index, agent] of agents.entries()) {
    model.link(agent, agents[(index + 1) % count]!);
    if (index < count / 2) model.link(agent, agents[(index + Math.floor(count / 2)) % count]!);
  }
  await model.clock.pass(5_000);
  return agents;
}
