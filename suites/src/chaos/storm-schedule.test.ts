import { powers, seededRandom } from '@muster/lab';
import { expect, test } from 'vitest';
import { stormSchedule } from './storm-schedule.ts';

const HOUR_S = 3_600;

test('a storm is of each kind of fault before any comes again', () => {
  for (const seed of ['1', '2', '3']) {
    const { faults } = stormSchedule(5, HOUR_S, powers, seededRandom(seed, 'storm'));
    // Kills come twice in a round: one node, and all that may be killed.
    const kinds = new Set(faults.map(({ kind }) => kind));
    const round = faults.slice(0, kinds.size + 1).map(({ kind }) => kind);
    expect(round.toSorted()).toEqual([...kinds, 'kill'].toSorted());
  }
});

test('where something cannot be done, or nodes are too few for it, the storm goes without', () => {
  const { faults } = stormSchedule(2, HOUR_S, ['world', 'kill', 'pause', 'half-open'], seededRandom('1', 'storm'));
  const kinds = [...new Set(faults.map(({ kind }) => kind))].toSorted();
  expect(kinds).toEqual(['bad-paths', 'cut-message', 'half-open', 'kill', 'partition-halves', 'partition-one-way', 'partition-single', 'pause', 'restart']); // prettier-ignore
});
