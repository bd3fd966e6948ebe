import { expect, test } from 'vitest';
import { drawn, type DrawnSchedule, readSchedule } from '../faults/schedule.ts';
import { seededRandom } from '../runner/random.ts';
import { shrink, type ShrinkablePlan } from './shrink.ts';

const nodes = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace'];
const kinds = ['partition-halves', 'pause', 'bad-paths', 'kill', 'cut-message', 'restart'] as const;
const whole = drawn(
  readSchedule({
    nodes,
    faults: kinds.map((kind, index) => ({ at_ms: 500 + index * 2_500, for_ms: 1_500, kind, on: kind === 'kill' ? ['bob', 'erin'] : 'all' })),
    load: { publish_every_ms: 500, send_every_ms: 500 },
  }),
  seededRandom('7', 'shrink'),
);
const LASTED_MS = 7_000;

/** Bob forgets what he was sent before he was killed. */
function forgets({ schedule }: ShrinkablePlan): boolean {
  const { faults, operations, load } = schedule!;
  const killed = faults.filter(({ kind, on }) => kind === 'kill' && on.includes('bob'));
  if (load) return killed.length > 0;
  return killed.some((kill) => operations?.some((one) => one.do === 'send' && one.to === 'bob' && one.at_ms <= kill.at_ms));
}

test('seven nodes, six faults and two hundred operations come down to the two, the one and the one that matter', async () => {
  const { plan, cuts, complete } = await shrink({
    plan: { settings: {}, schedule: whole },
    fails: async (candidate) => forgets(candidate),
    spent: () => false,
    lasted: LASTED_MS,
  });
  const { schedule } = plan as { schedule: DrawnSchedule };
  const [kill] = schedule.faults;
  expect(schedule.nodes).toHaveLength(2);
  expect(schedule.faults).toEqual([{ kind: 'kill', on: ['bob'], for_ms: 100, at_ms: kill!.at_ms }]);
  expect(schedule.operations).toEqual([
    { do: 'send', node: schedule.nodes.find((name) => name !== 'bob'), to: 'bob', at_ms: expect.any(Number) as number },
  ]);
  expect(schedule.load).toBeUndefined();
  expect(cuts.map(({ what, before, after }) => [what, before, after])).toEqual([
    ['nodes', 7, 2],
    ['faults', 6, 1],
    ['operations', 196, 1],
    ['timing', 14_500, kill!.at_ms + 100],
  ]);
  expect(kill!.at_ms).toBeLessThanOrEqual(100);
  expect(complete).toBe(true);
});

test('when the time is over, what was found so far is the answer', async () => {
  let asked = 0;
  const { plan, complete } = await shrink({
    plan: { settings: {}, schedule: whole },
    fails: async (candidate) => (asked++, forgets(candidate)),
    spent: () => asked >= 3,
    lasted: LASTED_MS,
  });
  expect([asked, complete]).toEqual([3, false]);
  expect(plan.schedule!.nodes.length).toBeLessThan(7);
  expect(forgets(plan)).toBe(true);
});

test('what fails by its rule only keeps it', async () => {
  const fails = async ({ schedule }: ShrinkablePlan): Promise<boolean> => schedule!.load !== undefined && schedule!.faults.length > 0;
  const { plan } = await shrink({ plan: { settings: {}, schedule: whole }, fails, spent: () => false });
  expect(plan.schedule).toMatchObject({ load: { publish_every_ms: 500 }, faults: [{}], nodes: ['alice'] });
});

test('without a schedule the numbers are made smaller', async () => {
  const fails = async ({ settings }: ShrinkablePlan): Promise<boolean> => settings['nodes']! >= 3 && settings['messages']! >= 41;
  const { plan, cuts } = await shrink({ plan: { settings: { nodes: 9, messages: 1_000 } }, fails, spent: () => false });
  expect(plan.settings).toEqual({ nodes: 3, messages: 41 });
  expect(cuts.map(({ what, before, after }) => [what, before, after])).toEqual([['nodes', 9, 3], ['operations', 1_000, 41]]); // prettier-ignore
});
