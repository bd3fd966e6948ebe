import { RENDEZVOUS_SHARDS } from '@muster/protocol';
import type { AgentId } from '@muster/protocol';
import { array, assert, constant, nat, property, tuple, uniqueArray } from 'fast-check';
import { expect, test } from 'vitest';
import { isKeeper, KEEPERS } from './keepers.ts';

const agent = tuple(nat(0xffff_ffff), constant('0'.repeat(56))).map(([first, rest]) => (first.toString(16).padStart(8, '0') + rest) as AgentId);
const shard = nat(RENDEZVOUS_SHARDS - 1);
const others = (all: readonly AgentId[], self: AgentId): AgentId[] => all.filter((one) => one !== self);

test('who all know each other leave every shard with as many keepers as there should be', () => {
  assert(
    property(uniqueArray(agent, { minLength: 1, maxLength: 60 }), shard, (all, of) => {
      const keepers = all.filter((self) => isKeeper(self, others(all, self), of));
      expect(keepers).toHaveLength(Math.min(KEEPERS, all.length));
    }),
    { seed: 20261121, numRuns: 300 },
  );
});

test('who knows of fewer keeps more: no shard loses a keeper by that', () => {
  assert(
    property(uniqueArray(agent, { minLength: 2, maxLength: 60 }), array(nat(59)), shard, (all, unknown, of) => {
      const [self] = all as [AgentId];
      const known = others(all, self).filter((_, index) => !unknown.includes(index));
      if (isKeeper(self, others(all, self), of)) expect(isKeeper(self, known, of)).toBe(true);
    }),
    { seed: 20261121, numRuns: 300 },
  );
});
