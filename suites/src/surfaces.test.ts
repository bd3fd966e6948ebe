import { type Capability, registry } from '@muster/contract';
import { expect, test } from 'vitest';
import { surfaces } from './surfaces/index.ts';
import { callsOf, socketsOf, streamsOf } from './surfaces/plan.ts';
import { expectProven } from './whole-suite.test-helper.ts';

test('every capability is one that the suite exercises, by what it declares', () => {
  const all = Object.values<Capability>(registry).map(({ name }) => name);
  const declared = { capabilities: new Set(all) };
  const exercised = [...callsOf(declared), ...streamsOf(declared), ...socketsOf(declared)].map(({ name }) => name);
  expect([...exercised, 'status.shutdown'].toSorted()).toEqual(all.toSorted());
  const names = new Set(all);
  for (const { name, example } of Object.values<Capability>(registry))
    for (const { call } of example?.before ?? []) expect(names, `an example of ${name}`).toContain(call);
});

test('a healthy node answers the same on every surface, and each requirement is really exercised', async () => {
  await expectProven([surfaces]);
}, 240_000);
