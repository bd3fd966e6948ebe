import { ROOT_BEATS } from '@muster/protocol';
import type { MachineId, OverlayControl, TreeBeacon } from '@muster/protocol';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ACTIVE_OF_SITE,
  ACTIVE_VIEW,
  AWAITED_OF_PEER,
  DISTRUSTED_AT,
  ENOUGH,
  GUEST_MS,
  GUESTS,
  MAX_ASKS_OF_PEER,
  MAX_CARRIED,
  MAX_LINGERING,
  PASSIVE_OF_SITE,
  PASSIVE_VIEW,
  TICK_MS,
} from './limits.ts';
import { LIFE, modelChain, modelLink, ModelNetwork } from './model-network.test-helper.ts';
import type { BareEvent, ModelNode, ModelOptions } from './model-network.test-helper.ts';

const seed = { seed: 20261121 };
/** they leave one a tick */
const GUESTS_GONE_MS = GUEST_MS + GUESTS * TICK_MS;

function grown(count: number, options: ModelOptions): { net: ModelNetwork; nodes: ModelNode[] } {
  const net = new ModelNetwork(options);
  const nodes = [net.add()];
  while (nodes.length < count) {
    const node = net.add();
    net.link(node, net.random() < 0.5 ? nodes[0]! : nodes[Math.floor(net.random() * nodes.length)]!);
    nodes.push(node);
    net.run(20);
  }
  net.run(1_500);
  return { net, nodes };
}

/** What bootstrap peers are for. */
function rescue(net: ModelNetwork): void {
  const alive = [...net.nodes.values()];
  for (const node of alive) {
    if (node.machine.membership.active.size > 0) continue;
    const other = alive[Math.floor(net.random() * alive.length)]!;
    net.link(node, other);
  }
}

function settle(net: ModelNetwork, ms: number): void {
  for (let at = 0; at < ms; at += 500) {
    rescue(net);
    net.run(500);
  }
}

function whole(net: ModelNetwork): boolean {
  return new Set([...net.nodes.values()].map(({ machine }) => machine.trees.root)).size === 1;
}

function symmetric(net: ModelNetwork): boolean {
  const nodes = [...net.nodes.values()];
  return nodes.every(({ id, machine }) => [...machine.membership.active].every((peer) => net.nodes.get(peer)!.machine.membership.active.has(id)));
}

/** Who gets what `from` publishes without asking for it. */
function pushedTo(net: ModelNetwork, topic: string, from: ModelNode): Set<ModelNode> {
  const reached = new Set([from]);
  for (const node of reached) {
    for (const peer of node.machine.topics.get(topic)?.targets().eager ?? []) reached.add(net.nodes.get(peer)!);
  }
  return reached;
}

type Op = { readonly op: string; readonly who: number; readonly whom: number; readonly topic: number; readonly ms: number };
const op: fc.Arbitrary<Op> = fc.record({
  op: fc.constantFrom('publish', 'publish', 'publish', 'publish', 'subscribe', 'subscribe', 'unsubscribe', 'join', 'kill', 'cut', 'cut'),
  who: fc.nat(1_000),
  whom: fc.nat(1_000),
  topic: fc.nat(2),
  ms: fc.oneof(fc.nat(30), fc.nat(3_000)),
});

describe('an overlay under random joins, ends, cuts, orders and losses', () => {
  const scenario = fc.record({
    seed: fc.nat(),
    size: fc.integer({ min: 3, max: 40 }),
    delay: fc.integer({ min: 1, max: 80 }),
    unsent: fc.constantFrom(0, 0.05, 0.3),
    ops: fc.array(op, { minLength: 10, maxLength: 80 }),
  });

  test('gives every message once to everyone who listened before it was published, and keeps its views', () => {
    const law = fc.property(scenario, ({ size, ops, ...options }) => {
      const { net } = grown(size, options);
      /** by node and topic: how much had been published before it listened */
      const since = new Map<string, number>();
      const published: { readonly id: string; readonly topic: string; readonly by: ModelNode }[] = [];
      const subscribe = (node: ModelNode, topic: string): void => {
        if (node.subscribed.has(topic)) return;
        net.subscribe(node, topic);
        since.set(`${node.id}/${topic}`, published.length);
      };
      for (const { op, who, whom, topic: number, ms } of ops) {
        const alive = [...net.nodes.values()];
        const [a, b] = [alive[who % alive.length]!, alive[whom % alive.length]!];
        const topic = `t${number}`;
        if (op === 'publish') published.push({ id: net.publish(a, topic), topic, by: a });
        if (op === 'subscribe') subscribe(a, topic);
        if (op === 'unsubscribe') net.unsubscribe(a, topic);
        if (op === 'join') net.link(net.add(), a);
        if (op === 'kill' && alive.length > 3) net.kill(a);
        if (op === 'cut') net.cut(a, b);
        rescue(net);
        net.run(ms);
      }
      settle(net, 12_000);
      const alive = [...net.nodes.values()];
      expect(whole(net)).toBe(true);
      // Agreement takes a round trip.
      expect(net.runUntil(() => symmetric(net), 2_000)).toBe(true);
      for (const node of alive) {
        for (const [topic, got] of node.delivered) expect(new Set(got).size, `${topic} once`).toBe(got.length);
        const { active, passive } = node.machine.membership;
        expect(active.size).toBeLessThanOrEqual(ACTIVE_VIEW);
        expect(passive.length).toBeLessThanOrEqual(PASSIVE_VIEW);
        expect(node.cuts).toEqual([]);
        for (const [index, { id, topic, by }] of published.entries()) {
          const listens = node.subscribed.has(topic) && since.get(`${node.id}/${topic}`)! <= index;
          if (listens && by.alive) expect(node.got(topic), `${id} of ${topic}`).toContain(id);
        }
      }
      for (const topic of ['t0', 't1', 't2']) {
        const takers = alive.filter(({ machine }) => machine.topics.get(topic));
        const listeners = alive.filter(({ subscribed }) => subscribed.has(topic));
        for (const from of takers) {
          const reached = pushedTo(net, topic, from);
          expect(listeners.filter((node) => !reached.has(node)).length, 'the eager graph is connected').toBe(0);
        }
      }
    });
    fc.assert(law, { ...seed, numRuns: 40 });
  });
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('thirty that come at once through one of them are one overlay within a second (seed %i)', (seed) => {
  const net = new ModelNetwork({ seed });
  const first = net.add();
  for (let count = 1; count < 30; count++) {
    const node = net.add();
    net.after(net.random() * 300, () => net.link(node, first));
  }
  net.run(300);
  const reached = (): number => {
    const seen = new Set([first.id]);
    for (const id of seen) for (const peer of net.nodes.get(id)!.machine.membership.active) seen.add(peer);
    return seen.size;
  };
  expect(net.runUntil(() => reached() === 30 && whole(net), 1_000)).toBe(true);
});

test('of a crowd that comes at once through one node nobody pushes anybody out while there is room for guests, and then the view is small again', () => {
  const net = new ModelNetwork({ seed: 9 });
  const first = net.add();
  const { active } = first.machine.membership;
  const come = (count: number): MachineId[] =>
    Array.from({ length: count }, () => {
      const node = net.add();
      net.link(node, first);
      return node.id;
    });
  const crowd = come(ACTIVE_VIEW + GUESTS);
  net.run(GUEST_MS / 2);
  expect([...active].toSorted()).toEqual(crowd.toSorted());
  come(20);
  for (let at = 0; at < GUEST_MS; at += 10) {
    net.run(10);
    expect(active.size).toBeLessThanOrEqual(ACTIVE_VIEW + GUESTS);
  }
  const small = (): boolean => [...net.nodes.values()].every(({ machine }) => machine.membership.active.size <= ACTIVE_VIEW);
  expect(net.runUntil(() => active.size <= ACTIVE_VIEW, GUESTS_GONE_MS)).toBe(true);
  expect(net.runUntil(() => small() && whole(net), 5_000)).toBe(true);
});

test('the beats of both roots travel together, and a node says no more than twice a second where it stands', () => {
  const { net, nodes } = grown(40, { seed: 6 });
  net.run(20_000);
  let said = 0;
  for (const { machine } of nodes) {
    const step = machine.step.bind(machine);
    machine.step = (event) => {
      const effects = step(event);
      said += effects.filter((effect) => effect.kind === 'send' && effect.control.kind === 'beacon').length;
      return effects;
    };
  }
  net.run(10_000);
  const neighbours = nodes.reduce((sum, { machine }) => sum + machine.membership.active.size, 0);
  expect(said / neighbours / 10).toBeGreaterThan(0.9);
  expect(said / neighbours / 10).toBeLessThan(1.7);
});

test('clocks that are wrong, and jump, cost nobody its roots', () => {
  const { net, nodes } = grown(20, { seed: 7 });
  net.run(5_000);
  const rooted = nodes.map(({ machine }) => machine.trees.rootedAt);
  for (let second = 0; second < 20; second++) {
    for (const node of nodes) node.skew = (net.random() - 0.5) * 10_000;
    net.run(1_000);
  }
  expect(nodes.map(({ machine }) => machine.trees.rootedAt)).toEqual(rooted);
});

test('a process that was held up for seconds keeps its roots: what they said meanwhile waits unread', () => {
  const { net, nodes } = grown(5, { seed: 3 });
  const late = nodes.find(({ id, machine }) => machine.trees.describe().every(({ root }) => root !== id))!.machine;
  const roots = () => late.trees.describe().map(({ root }) => root);
  const before = roots();
  const tick = (ms: number) => late.step({ kind: 'timer', now: net.now + ms, wall: 1_700_000_000_000 + net.now + ms });
  tick(30_000);
  tick(30_250);
  expect(roots()).toEqual(before);
  // Whoever runs and hears nothing has lost them.
  for (let ms = 30_500; ms < 34_000; ms += 250) tick(ms);
  expect(roots().filter((root) => before.includes(root))).toEqual([]);
});

describe('interest in a topic', () => {
  test.each([1, 2, 3, 4, 5])('is all that keeps state for it, and a message costs little more than one copy each (seed %i)', (seed) => {
    const { net, nodes } = grown(30, { seed });
    settle(net, 10_000);
    const listeners = nodes.filter((_, index) => index % 3 === 0);
    for (const node of listeners) net.subscribe(node, 't');
    net.run(1_000);
    const sent = Array.from({ length: 100 }, (_, index) => {
      net.run(10);
      return net.publish(nodes[(index * 7) % nodes.length]!, 't');
    });
    expect(net.runUntil(() => listeners.every((node) => node.got('t').length === sent.length), 5_000)).toBe(true);
    const copies = nodes.reduce((sum, { counts }) => sum + counts.duplicate, 0);
    expect(copies / sent.length).toBeLessThan(nodes.length / 2);
    net.run(10_000);
    // Only listeners, and those between them and the roots of the trees.
    const needed = [0, 1].map((tree) => {
      const between = new Set(listeners);
      for (const node of between) {
        const parent = node.machine.trees.parent(tree);
        if (parent) between.add(net.nodes.get(parent)!);
      }
      return between;
    });
    for (const node of nodes) expect(node.machine.topics.size, 'state').toBe(needed.some((between) => between.has(node)) ? 1 : 0);
    for (const node of listeners) net.unsubscribe(node, 't');
    net.run(10_000);
    for (const node of nodes) expect(node.machine.topics.size, 'nothing is left').toBe(0);
  });

  test('is enough to get the next message, wherever it comes from', () => {
    const { net, nodes } = grown(30, { seed: 9 });
    settle(net, 5_000);
    for (const [index, node] of nodes.entries()) {
      const topic = `topic ${index}`;
      net.subscribe(node, topic);
      const id = net.publish(nodes[(index + 11) % nodes.length]!, topic);
      expect(
        net.runUntil(() => node.got(topic).length > 0, 2_000),
        topic,
      ).toBe(true);
      expect(node.got(topic)).toEqual([id]);
    }
  });
});

test('a link that brings copies is pruned once a second at most, and a line of the backbone never', () => {
  const net = new ModelNetwork({ seed: 1, delay: 5 });
  const nodes = Array.from({ length: 4 }, () => net.add());
  for (const [place, node] of nodes.entries()) for (const other of nodes.slice(place + 1)) net.link(node, other);
  net.run(5_000);
  for (const node of nodes) net.subscribe(node, 't');
  net.run(5_000);
  const backboneOf = ({ machine }: ModelNode): MachineId[] => machine.topics.get('t')!.targets().eager;
  // Not the root, to which every line is one of the backbone.
  const listener = nodes.find((node) => backboneOf(node).length === 1)!;
  const others = nodes.filter((node) => node !== listener);
  const backbone = backboneOf(listener);
  const step = listener.machine.step.bind(listener.machine);
  const pruned: MachineId[] = [];
  listener.machine.step = (event) =>
    step(event).filter((effect) => {
      const isSaid = effect.kind === 'send' && effect.control.kind === 'topics';
      const prunes = isSaid && effect.control.items.filter(({ kind }) => kind === 'prune');
      if (prunes) pruned.push(...prunes.map(() => effect.peer));
      return true;
    });
  for (let round = 0; round < 30; round++) {
    const id = `${round}`.padStart(64, 'f');
    const item = { id, topic: 't', issued: net.now, expires: net.now + LIFE, size: 100, internal: false };
    for (const { id: peer } of round % 2 === 0 ? others : others.toReversed()) {
      net.feed(listener, { kind: 'message', peer, item: { ...item, content: { id, forged: false } } });
      net.run(10);
    }
  }
  const rest = others.filter(({ id }) => !backbone.includes(id)).map(({ id }) => id);
  expect(rest).toHaveLength(2);
  expect(pruned.toSorted()).toEqual(rest.toSorted());
});

describe('what went wrong is made good', () => {
  test('messages that links lose in silence are asked for', () => {
    const { net, nodes } = grown(20, { seed: 4, lost: 0.1 });
    for (const node of nodes) net.subscribe(node, 't');
    net.run(2_000);
    const sent = Array.from({ length: 50 }, (_, index) => {
      net.run(20);
      return net.publish(nodes[index % nodes.length]!, 't');
    });
    expect(net.runUntil(() => nodes.every((node) => node.got('t').length === sent.length), 15_000)).toBe(true);
  });

  test('who had to ask for a message is pushed the next ones by whoever gave it', () => {
    const { net, nodes } = grown(6, { seed: 12 });
    for (const node of nodes) net.subscribe(node, 't');
    net.run(5_000);
    const eager = ({ machine }: ModelNode) => machine.topics.get('t')!.targets().eager;
    const lacking = nodes.find((node) => eager(node).length === 1 && node.machine.membership.active.size > 2)!;
    const swallows = net.nodes.get(eager(lacking)[0]!)!;
    const honest = swallows.machine.step.bind(swallows.machine);
    swallows.machine.step = (event) => honest(event).filter((effect) => effect.kind !== 'pass' || effect.peer !== lacking.id);
    let asked = 0;
    const step = lacking.machine.step.bind(lacking.machine);
    lacking.machine.step = (event) => {
      const effects = step(event);
      asked += effects.filter((effect) => effect.kind === 'tell' && effect.what === 'want').length;
      return effects;
    };
    const publisher = nodes.find((node) => node !== lacking && node !== swallows)!;
    const sent = Array.from({ length: 10 }, () => {
      const id = net.publish(publisher, 't');
      net.run(2_000);
      return id;
    });
    expect(lacking.got('t')).toEqual(sent);
    expect(asked).toBe(1);
    // Mended, the second way is to spare: it is given up (PRUNE), by whichever end a copy comes to.
    swallows.machine.step = honest;
    const publish = (): void => {
      net.publish(publisher, 't');
      net.run(2_000);
    };
    publish();
    publish();
    const { duplicate } = lacking.counts;
    for (let count = 0; count < 4; count++) publish();
    expect([lacking.got('t').length, lacking.counts.duplicate - duplicate]).toEqual([16, 0]);
  });

  test('ten of thirty end at once: the rest is whole within 5 s and misses nothing that is published afterwards', () => {
    const { net, nodes } = grown(30, { seed: 6 });
    for (const node of nodes) net.subscribe(node, 't');
    settle(net, 5_000);
    const roots = new Set(nodes.flatMap(({ machine }) => machine.trees.describe().map(({ root }) => root)));
    // The roots of both trees among them.
    const victims = nodes.toSorted((a, b) => Number(roots.has(b.id)) - Number(roots.has(a.id))).slice(0, 10);
    for (const node of victims) net.kill(node);
    const rest = [...net.nodes.values()];
    const sent = Array.from({ length: 100 }, (_, index) => {
      net.run(20);
      return net.publish(rest[index % rest.length]!, 't');
    });
    expect(net.runUntil(() => whole(net) && rest.every((node) => sent.every((id) => node.got('t').includes(id))), 3_000)).toBe(true);
    for (const node of rest) expect(new Set(node.got('t')).size).toBe(node.got('t').length);
  });

  test('two halves that were apart for four minutes give one another what they missed', () => {
    const { net, nodes } = grown(16, { seed: 8 });
    for (const node of nodes) net.subscribe(node, 't');
    settle(net, 5_000);
    const half = nodes.slice(0, 8);
    net.split(half);
    const sent: string[] = [];
    for (let minute = 0; minute < 4; minute++) {
      sent.push(net.publish(nodes[minute]!, 't'), net.publish(nodes[8 + minute]!, 't'));
      settle(net, 60_000);
    }
    net.heal();
    net.link(nodes[3]!, nodes[12]!);
    expect(net.runUntil(() => nodes.every((node) => sent.every((id) => node.got('t').includes(id))), 10_000)).toBe(true);
    for (const node of nodes) expect(new Set(node.got('t')).size).toBe(node.got('t').length);
  });

  test.each([
    [9_000, 0],
    [12_000, 1_000],
  ])('a node that missed %i messages gets what is still kept, and is told of the rest', (count, lost) => {
    const { net, nodes } = grown(3, { seed: 5, delay: 2 });
    for (const node of nodes) net.subscribe(node, 't');
    settle(net, 5_000);
    const away = nodes[2]!;
    net.split([away]);
    for (let index = 0; index < count; index++) {
      net.publish(nodes[0]!, 't');
      net.run(12);
    }
    net.heal();
    net.link(away, nodes[0]!);
    net.runUntil(() => away.got('t').length >= count - lost - 1_000 && (lost === 0 || away.missed.length > 0), 20_000);
    net.run(3_000);
    expect(away.got('t').length).toBeGreaterThanOrEqual(count - lost - 1_000);
    for (const node of nodes) if (node !== away) expect(node.missed).toEqual([]);
    const missed = away.missed.reduce((sum, notice) => sum + notice.count, 0);
    if (lost === 0) expect([away.got('t').length, missed]).toEqual([count, 0]);
    else expect(missed).toBeGreaterThan(0);
    expect(missed + away.got('t').length).toBeLessThanOrEqual(count);
  });

  test('messages that went stale meanwhile are told nobody', () => {
    const { net, nodes } = grown(2, { seed: 3 });
    const [publisher, listener] = nodes as [ModelNode, ModelNode];
    net.subscribe(listener, 't');
    net.run(2_000);
    net.cut(publisher, listener);
    net.split([listener]);
    for (let index = 0; index < 100; index++) net.publish(publisher, 't', 30_000);
    const fresh = net.publish(publisher, 't');
    net.run(60_000);
    net.heal();
    net.link(listener, publisher);
    expect(net.runUntil(() => listener.got('t').length > 0, 5_000)).toBe(true);
    net.run(10_000);
    expect(listener.got('t')).toEqual([fresh]);
    expect(listener.machine.scores.of(publisher.id)).toBe(0);
  });

  test('the only listener comes back after four minutes and finds what was published meanwhile', () => {
    const { net, nodes } = grown(2, { seed: 3 });
    const [publisher, listener] = nodes as [ModelNode, ModelNode];
    net.subscribe(listener, 't');
    net.run(2_000);
    net.cut(publisher, listener);
    net.split([listener]);
    const sent = [net.publish(publisher, 't')];
    net.run(240_000);
    net.heal();
    net.link(listener, publisher);
    expect(net.runUntil(() => listener.got('t').length === 1, 5_000)).toBe(true);
    expect(listener.got('t')).toEqual(sent);
  });
});

describe('a hostile neighbour', () => {
  const honest = 12;

  function attacked(seed: number, attackers = 1) {
    const { net, nodes } = grown(honest, { seed });
    const [victim] = nodes as [ModelNode];
    for (const node of nodes) net.subscribe(node, 't');
    settle(net, 3_000);
    // Machines that take part like any other; what they send by hand comes on top.
    const hostile = Array.from({ length: attackers }, () => {
      const node = net.add();
      net.link(node, victim);
      return node;
    });
    // Nobody stays a neighbour for ever: wait for the moment at which one of them is.
    expect(net.runUntil(() => hostile.some(({ id }) => victim.machine.membership.active.has(id)), 60_000)).toBe(true);
    return { net, nodes, victim, hostile };
  }

  function honestDelivery(net: ModelNetwork, nodes: readonly ModelNode[], during: () => void): void {
    const sent: string[] = [];
    for (let round = 0; round < 20; round++) {
      during();
      sent.push(net.publish(nodes[round % nodes.length]!, 't'));
      net.run(50);
    }
    expect(net.runUntil(() => nodes.every((node) => sent.every((id) => node.got('t').includes(id))), 10_000)).toBe(true);
    for (const node of nodes) expect(new Set(node.got('t')).size).toBe(node.got('t').length);
  }

  test('that makes up 10,000 topics is bounded and cut off, and leaves nothing behind', () => {
    const { net, nodes, victim, hostile } = attacked(21);
    const [attacker] = hostile as [ModelNode];
    let made = 0;
    let most = 0;
    honestDelivery(net, nodes, () => {
      const items = Array.from({ length: 128 }, () => ({ kind: 'join', topic: `bogus ${made++}`, asks: 3, known: false, away: 0 }) as const);
      for (let batch = 0; batch < 5; batch++) {
        const renamed = items.map((item, index) => ({ ...item, topic: `bogus ${made + batch * 128 + index}` }));
        net.send(attacker, victim.id, { kind: 'control', peer: attacker.id, control: { kind: 'topics', items: renamed } });
      }
      made += 5 * 128;
      most = Math.max(most, ...nodes.map(({ machine }) => machine.topics.size));
    });
    expect(made).toBeGreaterThan(10_000);
    expect(most).toBeLessThanOrEqual(1 + MAX_ASKS_OF_PEER + MAX_LINGERING);
    expect(victim.cuts).toEqual([`${attacker.id}:greedy`]);
    net.run(10_000);
    for (const node of nodes) expect(node.machine.topics.size).toBe(1);
    for (const node of nodes.slice(1)) expect(node.cuts, 'nobody blames whoever carried it').toEqual([]);
  });

  test('in a crowd has no more topics carried than there is room for all, and says nothing unreadable for long', () => {
    const { net, nodes } = grown(2, { seed: 27 });
    const [victim] = nodes as [ModelNode];
    for (const node of nodes) net.subscribe(node, 't');
    const crowd = Array.from({ length: 5 }, () => net.add());
    for (const one of crowd) net.link(one, victim);
    const { active } = victim.machine.membership;
    expect(net.runUntil(() => crowd.every(({ id }) => active.has(id)), 10_000)).toBe(true);
    honestDelivery(net, nodes, () => {
      for (const { id } of crowd) {
        const items = Array.from(
          { length: 128 },
          (_, index) => ({ kind: 'join', topic: `${id} ${net.now} ${index}`, asks: 3, known: false, away: 0 }) as const,
        );
        net.feed(victim, { kind: 'control', peer: id, control: { kind: 'topics', items } });
      }
    });
    expect(victim.machine.topics.size).toBeGreaterThan(MAX_CARRIED / 2);
    expect(victim.machine.topics.size).toBeLessThanOrEqual(1 + MAX_CARRIED + MAX_LINGERING);
    const [, , , , mumbler] = crowd as [ModelNode, ModelNode, ModelNode, ModelNode, ModelNode];
    for (let count = 0; count < 20; count++) net.feed(victim, { kind: 'malformed', peer: mumbler.id });
    expect(victim.cuts).toContain(`${mumbler.id}:malformed`);
  });

  test('that promises messages it never gives holds up nobody, and is cut off', () => {
    const { net, nodes, victim, hostile } = attacked(22);
    const [attacker] = hostile as [ModelNode];
    let made = 0;
    const promise = (): void => {
      const ids = Array.from({ length: 512 }, () => (0xf000_0000 + made++).toString(16).padStart(64, '0'));
      net.send(attacker, victim.id, { kind: 'control', peer: attacker.id, control: { kind: 'join' } });
      net.send(attacker, victim.id, { kind: 'have', peer: attacker.id, ids });
      expect(victim.machine.waiting.awaited).toBeLessThanOrEqual(AWAITED_OF_PEER + 512);
    };
    honestDelivery(net, nodes, promise);
    for (let second = 0; second < 60 && victim.cuts.length === 0; second++) {
      promise();
      net.run(1_000);
    }
    expect(victim.cuts).toEqual([`${attacker.id}:broken_promise`]);
    net.run(1_000);
    expect(victim.machine.waiting.awaited).toBe(0);
  });

  test('that gives what it told of, though its clock is wrong, is asked for each once and is not cut off', () => {
    const { net, nodes, victim, hostile } = attacked(22);
    const [other] = hostile as [ModelNode];
    let made = 0;
    const tell = (): void => {
      const ids = Array.from({ length: 100 }, () => (0xf000_0000 + made++).toString(16).padStart(64, '0'));
      net.send(other, victim.id, { kind: 'control', peer: other.id, control: { kind: 'join' } });
      net.send(other, victim.id, { kind: 'have', peer: other.id, ids });
      net.run(1_000);
      for (const id of ids) net.feed(victim, { kind: 'untimely', peer: other.id, id });
    };
    honestDelivery(net, nodes, tell);
    for (let second = 0; second < 60; second++) tell();
    expect(victim.cuts).toEqual([]);
    expect(victim.machine.waiting.awaited).toBe(0);
  });

  test('that floods with forgeries of true messages hides none of them', () => {
    const { net, nodes, victim, hostile } = attacked(23);
    const [attacker] = hostile as [ModelNode];
    let next = 1;
    honestDelivery(net, nodes, () => {
      // The ids that honest nodes will use next.
      for (let index = 0; index < 3; index++) {
        const id = (next + index).toString(16).padStart(64, '0');
        const item = { id, topic: 't', issued: net.now, expires: net.now + LIFE, size: 100, internal: false, content: { id, forged: true } };
        net.send(attacker, victim.id, { kind: 'message', peer: attacker.id, item });
      }
      next++;
    });
    expect(victim.cuts).toEqual([`${attacker.id}:forged`]);
  });

  test('that repeats what was said, or says what nobody asked to hear, costs no verification', () => {
    const { net, nodes, victim, hostile } = attacked(24);
    const [attacker] = hostile as [ModelNode];
    const id = net.publish(nodes[1]!, 't');
    net.run(2_000);
    const verified = victim.counts.verified;
    const say = (topic: string, of: string): void => {
      const item = { id: of, topic, issued: net.now, expires: net.now + LIFE, size: 100, internal: false, content: { id: of, forged: false } };
      net.send(attacker, victim.id, { kind: 'message', peer: attacker.id, item });
    };
    for (let index = 0; index < 3_000; index++) {
      say('t', id);
      say(`bogus ${index}`, (0xe000_0000 + index).toString(16).padStart(64, '0'));
    }
    net.run(1_000);
    expect(victim.counts.verified).toBe(verified);
    expect(victim.cuts).toHaveLength(1);
    expect(victim.machine.topics.size).toBe(1);
    expect(victim.got('t').filter((got) => got === id)).toHaveLength(1);
  });

  test('that says a shuffle came another way than it did is not answered, and it goes no further', () => {
    const { net, nodes } = grown(4, { seed: 1 });
    const [asked, hostile, victim] = nodes as [ModelNode, ModelNode, ModelNode];
    const answersTo = (path: readonly MachineId[]): number => {
      const control = { kind: 'shuffle', hops: 3, path, peers: [] } as const;
      const effects = asked.machine.step({ kind: 'control', peer: hostile.id, control, now: net.now, wall: net.now });
      return effects.filter((effect) => effect.kind === 'send' && effect.control.kind.startsWith('shuffle')).length;
    };
    expect([...asked.machine.membership.active]).toEqual(expect.arrayContaining([hostile.id, victim.id]));
    expect(answersTo([hostile.id])).toBe(1);
    expect(answersTo([victim.id])).toBe(0);
    expect(answersTo([])).toBe(0);
    expect(answersTo([asked.id, hostile.id])).toBe(0);
  });

  test('in a crowd does not get the whole view, also when it invents machines by the hundred', () => {
    const { net, nodes, victim, hostile } = attacked(25, 40);
    const [oldest] = victim.machine.membership.active;
    honestDelivery(net, nodes, () => {
      for (const attacker of hostile) {
        net.send(attacker, victim.id, { kind: 'control', peer: attacker.id, control: { kind: 'join' } });
        const peers = Array.from({ length: 8 }, (_, index) => ({ machine: hostile[index]!.id, addresses: [hostile[index]!.id] }));
        net.send(attacker, victim.id, { kind: 'control', peer: attacker.id, control: { kind: 'shuffle_reply', path: [], peers } });
      }
    });
    const { active, passive } = victim.machine.membership;
    expect(active.size).toBeLessThanOrEqual(ACTIVE_VIEW);
    expect(passive.length).toBeLessThanOrEqual(PASSIVE_VIEW);
    const honestOnes = (): number => [...active].filter((peer) => nodes.some(({ id }) => id === peer)).length;
    expect(honestOnes()).toBeGreaterThan(0);
    expect([...active], 'who was here first stays').toContain(oldest);
    expect(net.runUntil(() => honestOnes() >= ENOUGH, GUESTS_GONE_MS)).toBe(true);
  });

  test('in a crowd at one address gets no more than the share of a host, in either view', () => {
    // A few honest nodes: their neighbours have room left.
    const { net, nodes } = grown(3, { seed: 26 });
    const [victim] = nodes as [ModelNode];
    for (const node of nodes) net.subscribe(node, 't');
    settle(net, 3_000);
    const crowd = Array.from({ length: 40 }, () => net.add());
    for (const { id } of crowd) net.sites.set(id, '8.8.8.8');
    const invented = Array.from({ length: 200 }, (_, index) => (0xd000_0000 + index).toString(16).padStart(64, '0') as MachineId);
    for (const machine of invented) net.sites.set(machine, '8.8.8.8');
    const ofCrowd = (machines: Iterable<MachineId>): number => [...machines].filter((machine) => net.sites.has(machine)).length;
    let [most, mostKnown] = [0, 0];
    honestDelivery(net, nodes, () => {
      for (const one of crowd) {
        net.link(one, victim);
        net.send(one, victim.id, { kind: 'control', peer: one.id, control: { kind: 'join' } });
      }
      const peers = invented.splice(0, 8).map((machine) => ({ machine, addresses: [machine] }));
      const { active, passive } = victim.machine.membership;
      // Only neighbours are listened to.
      for (const one of crowd.filter(({ id }) => active.has(id)))
        net.send(one, victim.id, { kind: 'control', peer: one.id, control: { kind: 'shuffle', hops: 0, path: [one.id], peers } });
      net.run(100);
      most = Math.max(most, ofCrowd(active));
      mostKnown = Math.max(mostKnown, ofCrowd(passive));
    });
    expect([most, mostKnown]).toEqual([ACTIVE_OF_SITE, PASSIVE_OF_SITE]);
  });

  const beacon = (attacker: ModelNode, trees: readonly TreeBeacon[]): BareEvent => ({
    kind: 'control',
    peer: attacker.id,
    control: { kind: 'beacon', trees },
  });
  const roots = (nodes: readonly ModelNode[]) => nodes.map(({ machine }) => machine.trees.describe().map(({ root }) => root));
  /** Better than any other in both trees. */
  const INVENTED = ['00'.repeat(32), 'ff'.repeat(32)] as [MachineId, MachineId];

  test.each(['no anchor', 'an anchor that was not signed'])('that invents roots with %s is not followed', (how) => {
    const { net, nodes, victim, hostile } = attacked(28);
    const [attacker] = hostile as [ModelNode];
    const before = roots(nodes);
    let seq = net.now;
    honestDelivery(net, nodes, () => {
      const chains = INVENTED.map((root) => modelChain(root, seq, net.now));
      if (how !== 'no anchor')
        for (const { anchor } of chains) {
          const control = { kind: 'root', anchor: { ...anchor, signature: Uint8Array.of(0) } } as const;
          net.send(attacker, victim.id, { kind: 'control', peer: attacker.id, control });
        }
      net.send(
        attacker,
        victim.id,
        beacon(
          attacker,
          chains.map(({ beats }, index) => ({ root: INVENTED[index]!, seq, hops: 0, proof: beats[0]! })),
        ),
      );
      seq += ROOT_BEATS;
    });
    expect(roots(nodes)).toEqual(before);
    expect(victim.cuts).toEqual(how === 'no anchor' ? [] : [`${attacker.id}:forged`]);
  });

  test('that says it is nearer to a root than it is, or knows of a beat to come, is not believed', () => {
    for (const lie of ['nearer', 'newer']) {
      // Its victim is some way from both roots, so that the lie is worth telling.
      let world = attacked(29);
      const isFar = ({ hops }: { hops: number | null }): boolean => hops !== null && hops >= 2;
      for (let seed = 30; !world.victim.machine.trees.describe().every(isFar); seed++) world = attacked(seed);
      const { net, nodes, victim, hostile } = world;
      const [attacker] = hostile as [ModelNode];
      const beaconOf = (tree: number, hops: number, seq: number): TreeBeacon => {
        const [root] = roots([victim])[0]!.slice(tree);
        const key = Uint8Array.from(Buffer.from(root!, 'hex'));
        // A link that leads nowhere: what is nearer or newer cannot be made.
        return {
          root: root!,
          seq,
          hops,
          proof: modelLink(
            key.map((byte) => byte ^ 1),
            5,
          ),
        };
      };
      net.run(2_000);
      honestDelivery(net, nodes, () => {
        const now = victim.machine.trees.describe();
        const trees = now.map(({ seq }, tree) => beaconOf(tree, 0, lie === 'nearer' ? seq : seq + 1));
        net.send(attacker, victim.id, beacon(attacker, trees));
      });
      expect(
        victim.machine.trees.describe().map(({ parent }) => parent),
        lie,
      ).not.toContain(attacker.id);
      // Once is enough for nobody to follow it; whoever goes on is cut off.
      const { cuts } = victim;
      if (cuts.length === 0) expect(victim.machine.scores.of(attacker.id), lie).toBeGreaterThan(0);
      else expect(cuts, lie).toEqual([`${attacker.id}:forged`]);
    }
  });

  test('that repeats the beats of a root that ended brings it back for nobody', () => {
    const { net, nodes } = grown(honest, { seed: 30 });
    for (const node of nodes) net.subscribe(node, 't');
    settle(net, 3_000);
    const heard: OverlayControl[] = [];
    net.overheard = (control) => (control.kind === 'root' || control.kind === 'beacon') && void heard.push(control);
    net.run(30_000);
    net.overheard = undefined;
    const ended = [...new Set(roots(nodes).flat())];
    for (const root of ended) net.kill(net.nodes.get(root)!);
    const rest = [...net.nodes.values()];
    net.run(10_000);
    expect(whole(net)).toBe(true);
    const attacker = net.add();
    net.link(attacker, rest[0]!);
    // A newcomer has never heard of them: the anchors are too old for it.
    const newcomer = net.add();
    const replay = (): void => {
      for (const control of heard) for (const { id } of [rest[0]!, newcomer]) net.send(attacker, id, { kind: 'control', peer: attacker.id, control });
    };
    honestDelivery(net, rest, replay);
    net.run(120_000);
    net.link(attacker, newcomer);
    net.link(newcomer, rest[1]!);
    net.subscribe(newcomer, 't');
    settle(net, 2_000);
    honestDelivery(net, [...rest, newcomer], replay);
    for (const root of roots([...rest, newcomer]).flat()) expect(ended).not.toContain(root);
    expect(heard.length).toBeGreaterThan(500);
  });

  test.each([1, 2, 3, 4, 5])('is parent in both trees only of whom has nobody else as near (seed %i)', (seed) => {
    const { net, nodes } = grown(30, { seed });
    settle(net, 15_000);
    const place = ({ machine }: ModelNode, tree: number) => machine.trees.describe()[tree]!;
    const onOne = nodes.filter((node) => place(node, 0).parent !== undefined && place(node, 0).parent === place(node, 1).parent);
    for (const node of onOne) {
      const others = [...node.machine.membership.active].filter((peer) => peer !== place(node, 0).parent);
      expect(others.filter((peer) => place(net.nodes.get(peer)!, 1).hops! < place(node, 1).hops!)).toEqual([]);
    }
    expect(onOne.length).toBeLessThan(nodes.length / 3);
  });

  test.each([31, 32, 33, 34, 35, 36])('that swallows what it is given as a parent is routed around, and trusted less (seed %i)', (seed) => {
    const { net, nodes } = grown(honest + 1, { seed });
    for (const node of nodes) for (let topic = 0; topic < 8; topic++) net.subscribe(node, `${topic}`);
    settle(net, 15_000);
    // Whoever has most behind it: often a root itself.
    const behind = ({ id }: ModelNode): ModelNode[] => nodes.filter(({ machine }) => machine.trees.describe().some(({ parent }) => parent === id));
    const [attacker, ...others] = nodes.toSorted((a, b) => behind(b).length - behind(a).length) as [ModelNode, ...ModelNode[]];
    const served = behind(attacker);
    expect(served.length).toBeGreaterThan(2);
    attacker.swallows = true;
    const sent: [string, string][] = [];
    for (let round = 0; round < 160; round++) {
      sent.push([`${round % 8}`, net.publish(others[(round * 7) % others.length]!, `${round % 8}`)]);
      net.run(100);
    }
    expect(net.runUntil(() => others.every((node) => sent.every(([topic, id]) => node.got(topic).includes(id))), 10_000)).toBe(true);
    for (const node of others) for (const topic of node.delivered.keys()) expect(new Set(node.got(topic)).size).toBe(node.got(topic).length);
    expect(Math.max(...served.map(({ machine }) => machine.scores.of(attacker.id)))).toBeGreaterThan(DISTRUSTED_AT);
    for (const node of others) expect(node.cuts, 'nobody is cut off for what another withholds').toEqual([]);
  });
});
