/**
 * What is gone for good. Neighbours tell one another by id what they had and cannot give any more; whoever gets one of these from nobody else has missed
 * it, says how many there are, and tells those that may have missed them with it. By id, because no two nodes agree on what came before and what after.
 */
import { MAX_GONE } from '@muster/protocol';
import type { MachineId, OverlayControl } from '@muster/protocol';
import type { History } from './history.ts';
import type { Lazy } from './lazy.ts';
import * as limits from './limits.ts';
import type { Topic, TopicLink } from './topic.ts';
import type { Step } from './types.ts';

export interface GapsParts {
  readonly history: History<unknown>;
  readonly lazy: () => Lazy;
  readonly topic: (name: string) => Topic | undefined;
  /** it is here, or was, or is being looked at */
  readonly known: (id: string) => boolean;
  /** it says what cannot be */
  readonly blame: (peer: MachineId) => void;
  readonly isParent: (topic: Topic, peer: MachineId) => boolean;
}

/** To be told to a neighbour: when each came here, by id. */
interface Told {
  readonly came: Map<string, number>;
  older: number;
}

export class Gaps {
  readonly #step: Step<unknown>;
  readonly #parts: GapsParts;
  /** by neighbour and topic */
  readonly #told = new Map<MachineId, Map<string, Told>>();
  /** what is gone elsewhere and did not come here yet; `at`: when it came there, `said`: when that was said here */
  readonly #missing = new Map<string, { readonly topic: string; readonly at: number; readonly from: MachineId; readonly said: number }>();
  /** by topic: what is gone and has no names */
  readonly #older = new Map<string, { readonly count: number; readonly from: MachineId; readonly since: number }>();

  constructor(step: Step<unknown>, parts: GapsParts) {
    this.#step = step;
    this.#parts = parts;
  }

  /** The neighbour cannot have these from here. */
  tell(peer: MachineId, topic: string, came: Iterable<readonly [id: string, at: number]>, older = 0): void {
    let topics = this.#told.get(peer);
    if (!topics) this.#told.set(peer, (topics = new Map()));
    let told = topics.get(topic);
    if (!told) topics.set(topic, (told = { came: new Map(), older: 0 }));
    told.older = Math.max(told.older, older);
    for (const [id, at] of came) if (told.came.size < limits.MAX_DROPPED) told.came.set(id, at);
    if (told.came.size === 0 && told.older === 0) topics.delete(topic);
  }

  /** @returns since when what it was to be told of came here */
  down(peer: MachineId): number {
    const topics = this.#told.get(peer);
    this.#told.delete(peer);
    let since = Infinity;
    for (const { came } of topics?.values() ?? []) for (const at of came.values()) since = Math.min(since, at);
    return since;
  }

  heard(peer: MachineId, { topic: name, messages, older }: Extract<OverlayControl, { kind: 'gone' }>): void {
    const { history, lazy, topic: topicOf, known, blame, isParent } = this.#parts;
    if (older > limits.MISSABLE) return blame(peer);
    const topic = topicOf(name);
    const link = topic?.links.get(peer);
    // Whoever was not asked is believed if the topic spreads between the two.
    if (!topic || !link || !(topic.asked(peer) || link.told || link.asks)) return;
    const { now } = this.#step;
    // Nobody puts off what others said by saying it again, or nothing.
    const before = this.#missing.size;
    for (const { id, age } of messages) {
      lazy().withdraw(peer, id);
      if (known(id) || history.trace(id) || this.#missing.has(id) || this.#missing.size >= limits.MAX_DROPPED) continue;
      this.#missing.set(id, { topic: name, at: now - age, from: peer, said: now });
    }
    if (this.#missing.size > before) this.#more(topic);
    const since = older === 0 ? undefined : (topic.countsOlder(peer) ?? (isParent(topic, peer) ? now : undefined));
    if (since === undefined) return;
    const said = this.#older.get(name);
    if (!said) this.#more(topic);
    if (!said || said.count < older) this.#older.set(name, { count: older, from: peer, since });
  }

  tick(): void {
    this.#say();
    const { now } = this.#step;
    const lost = new Map<Topic, string[]>();
    for (const [id, { topic: name, said }] of this.#missing) {
      const topic = this.#parts.topic(name);
      if (!topic || this.#parts.known(id)) this.#missing.delete(id);
      else if (now - said >= limits.GAP_WAIT_MS && topic.answered(now) && this.#parts.lazy().holders(id).length === 0) {
        const ids = lost.get(topic);
        if (ids) ids.push(id);
        else lost.set(topic, [id]);
      }
    }
    for (const name of this.#older.keys()) {
      const topic = this.#parts.topic(name);
      if (!topic) this.#older.delete(name);
      else if (topic.answered(now) && !lost.has(topic)) lost.set(topic, []);
    }
    for (const [topic, ids] of lost) this.#lose(topic, ids);
  }

  /** There may be yet more, but nobody puts off for ever what is to be told. */
  #more(topic: Topic): void {
    const { now } = this.#step;
    const { gone } = topic;
    if (!gone || now - gone.at >= limits.GAP_LONGEST_MS) topic.gone = { since: now, at: now };
    else if (now - gone.since < limits.GAP_LONGEST_MS) gone.at = now;
  }

  /** A page to each at a time: much at once would fill the lane that keeps neighbours together. */
  #say(): void {
    const { now } = this.#step;
    for (const [peer, topics] of this.#told) {
      const [[topic, told] = []] = topics;
      if (topic === undefined || !told) {
        this.#told.delete(peer);
        continue;
      }
      const page = [...told.came].slice(0, MAX_GONE);
      for (const [id] of page) told.came.delete(id);
      if (told.came.size === 0) topics.delete(topic);
      const messages = page.map(([id, at]) => ({ id, age: Math.max(0, Math.floor(now - at)) }));
      this.#parts.lazy().note(peer, Math.min(...page.map(([, at]) => at)));
      this.#step.send(peer, { kind: 'gone', topic, messages, older: told.older });
      told.older = 0;
    }
  }

  #lose(topic: Topic, ids: readonly string[]): void {
    const { now, wall } = this.#step;
    const listenedSince = topic.subscribedAt === undefined ? Infinity : now - (wall - topic.subscribedAt);
    const said = this.#older.get(topic.name);
    this.#older.delete(topic.name);
    topic.gone = undefined;
    const lost = ids.map((id) => ({ id, ...this.#missing.get(id)! }));
    for (const { id, at } of lost) {
      this.#missing.delete(id);
      this.#parts.history.lost(id, topic.name, at);
    }
    const missed = lost.filter(({ at }) => at >= listenedSince).length;
    // Names are as cheap to invent as counts.
    const named = topic.countMissed(missed, now);
    const older = said && { ...said, count: topic.countMissed(said.count, now) };
    const count = named + (topic.subscribedAt === undefined ? 0 : (older?.count ?? 0));
    if (count > 0) this.#step.out({ kind: 'missed', topic: topic.name, count });
    for (const [peer, link] of topic.links) {
      if (!link.told && !link.asks) continue;
      const gone = lost.filter(({ from }) => from !== peer).map(({ id, at }) => [id, at] as const);
      this.tell(peer, topic.name, gone, older && isBehind(topic, peer, link, older) ? older.count : 0);
    }
  }
}

/** What has no names goes down one tree only, to those that missed it as well: it must not go round. */
function isBehind(topic: Topic, peer: MachineId, link: TopicLink, { from, since }: { readonly from: MachineId; readonly since: number }): boolean {
  return peer !== from && (link.asks & (1 << topic.backbone)) !== 0 && link.behindSince <= since;
}
