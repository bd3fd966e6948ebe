import { SABOTEURS } from '@muster/lab';
import { expect, test } from 'vitest';
import { suites } from './index.ts';

test('forty planted bugs and more, each with a name of its own and a scenario that is there to catch it', () => {
  expect(SABOTEURS.length).toBeGreaterThanOrEqual(40);
  expect(new Set(SABOTEURS.map(({ name }) => name)).size).toBe(SABOTEURS.length);
  const scenarios = suites.flatMap((suite) => suite.scenarios.map(({ id }) => id));
  for (const { name, caughtBy } of SABOTEURS)
    expect(
      scenarios.filter((id) => caughtBy.startsWith(`${id}/`)),
      name,
    ).toHaveLength(1);
});

test('each bug is one wrapping: of ports, of handlers, of services, or of what the command line prints', () => {
  for (const { name, ports, handlers, services, prints } of SABOTEURS)
    expect(
      [ports, handlers, services, prints].filter((wrapping) => wrapping !== undefined),
      name,
    ).toHaveLength(1);
});
