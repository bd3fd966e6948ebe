import type { AgentId, Beacon, MachineId } from '@muster/protocol';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_AGENTS, MAX_KEPT_BEACONS, PresenceTable } from './presence-table.ts';

const id = (number: number): AgentId => number.toString(16).padStart(64, '0') as AgentId;
const machine = 'aa'.repeat(32) as MachineId;
const envelope = new Uint8Array(1);
const WALL = 1_790_000_000_000;

const table = (keep: (agent: AgentId) => boolean = () => false): PresenceTable => new PresenceTable({ longestSilenceMs: 300_000, keep });
const beacon = (change: Partial<Beacon> = {}): Beacon => ({
  kind: 'beacon',
  machine,
  run: WALL,
  sent: WALL,
  count: 1,
  interval: 30_000,
  addresses: [],
  leaving: false,
  ...change,
});
const at = (ms: number) => ({ mono: ms, wall: WALL + ms });
const say = (to: PresenceTable, agent: AgentId, ms: number, change: Partial<Beacon> = {}, heardAt = ms) =>
  to.heard({ agent, beacon: beacon({ sent: WALL + ms, ...change }), envelope }, at(heardAt));

describe('the table of who is present', () => {
  test('tells who came, went on, began anew and left', () => {
    const them = table();
    expect(say(them, id(1), 0)).toBe('came');
    expect(say(them, id(1), 30_000, { count: 2 })).toBe('went-on');
    expect(say(them, id(1), 40_000, { run: WALL + 39_000 })).toBe('came');
    expect(say(them, id(1), 41_000, { run: WALL + 39_000, count: 2, leaving: true })).toBe('left');
    expect([them.online(id(1), 41_000), them.get(id(1))?.agent]).toEqual([false, id(1)]);
    expect(say(them, id(1), 50_000, { run: WALL + 49_000 })).toBe('came');
    expect(them.online(id(1), 50_000)).toBe(true);
  });

  test('what was said before is stale, whatever it says: a replayed farewell or beacon changes nothing', () => {
    const law = fc.property(fc.array(fc.record({ sent: fc.nat(60_000), leaving: fc.boolean() }), { minLength: 1, maxLength: 20 }), (said) => {
      const them = table();
      say(them, id(1), 60_001);
      for (const { sent, leaving } of said) expect(say(them, id(1), sent, { leaving }, 60_002)).toBe('stale');
      expect(them.online(id(1), 60_002)).toBe(true);
    });
    fc.assert(law, { seed: 20261121, numRuns: 100 });
  });

  test('an old beacon that took a detour does not bring back who is gone', () => {
    const them = table();
    say(them, id(1), 0);
    say(them, id(1), 30_000, { count: 2 });
    // Heard 100 s after it was sent, by a node that had heard the agent before.
    say(them, id(1), 60_000, { count: 3 }, 160_000);
    expect(them.get(id(1))!.heard).toBe(WALL + 60_000);
    expect(them.online(id(1), 160_000)).toBe(true);
    expect(them.online(id(1), 60_000 + 230_000)).toBe(false);
    // One that was never heard before: as old as clocks may differ is taken for new, older is not.
    expect(say(them, id(2), 0, { interval: 1_000 }, 20_000)).toBe('came');
    expect(say(them, id(3), 0, { interval: 1_000 }, 100_000)).toBe('stale');
  });

  test('a clock that is wrong, but steady, does not matter', () => {
    for (const skew of [-29_000, 29_000]) {
      const them = table();
      for (let count = 1; count <= 100; count++) {
        them.heard({ agent: id(1), beacon: beacon({ sent: WALL + skew + count * 1_000, count, interval: 1_000 }), envelope }, at(count * 1_000 + 5));
        expect(them.online(id(1), count * 1_000 + 900)).toBe(true);
      }
    }
  });

  test('is bounded: a crowd of strangers is forgotten, oldest first, and those who were chosen stay', () => {
    const chosen = new Set([id(0), id(1)]);
    const them = table((agent) => chosen.has(agent));
    for (let index = 0; index < 3 * MAX_AGENTS; index++) say(them, id(index), index);
    expect(them.size).toBeLessThanOrEqual(MAX_AGENTS);
    expect(them.kept().length).toBeLessThanOrEqual(MAX_KEPT_BEACONS);
    expect([0, 1, 2, 3 * MAX_AGENTS - 1].map((index) => them.get(id(index)) !== undefined)).toEqual([true, true, false, true]);
  });

  test('hints and asks about nobody in particular leave nothing behind', () => {
    const them = table();
    for (let index = 0; index < 1_000; index++) {
      them.hint(id(index), 0);
      them.asked(id(index), 0);
    }
    expect([them.size, them.askedAt(id(1))]).toEqual([0, undefined]);
  });
});
