/** Rosters, presence, orders, envelopes and rates, as a journal shows them. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claims } from '../claims.ts';
import type { Claim } from '../claim.ts';
import { judgeCheck } from '../evaluate.ts';
import { TestJournal } from '../journal.test-helper.ts';

const judged = (journal: TestJournal, claim: Claim) => judgeCheck(journal.check('a/b/1', claim), journal.lines);

describe('rosters-agree', () => {
  const claim = claims.rostersAgree({ rosters: { event: 'roster' }, group: '/group', epoch: '/epoch', members: '/members', final: ['alice', 'bob'] });
  const roster = fc.record({ node: fc.constantFrom('alice', 'bob'), group: fc.constantFrom('g', 'h'), epoch: fc.integer({ min: 1, max: 3 }), members: fc.subarray(['a', 'b']) }); // prettier-ignore

  it('agrees with comparing every roster with every other', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(roster, { maxLength: 5 }), fc.boolean(), (drawn, sound) => {
        const rosters = sound ? drawn.toSorted((a, b) => a.epoch - b.epoch).map((one) => ({ ...one, members: ['a', `${one.epoch}`] })) : drawn;
        const journal = new TestJournal().begin();
        for (const { node, ...data } of rosters) journal.observe(node, 'groups', 'roster', data);
        const { status } = judged(journal, claim);
        seen.add(status);
        const clash = rosters.some(
          (a, i) =>
          rosters.some((b, j) => i < j && a.group === b.group && ((a.epoch === b.epoch && `${a.members}` !== `${b.members}`) || (a.node === b.node && a.epoch > b.epoch))), // prettier-ignore
        );
        const ends = [...new Set(rosters.map(({ group }) => group))].map((group) =>
          ['alice', 'bob'].map((node) => rosters.findLast((one) => one.group === group && one.node === node)?.epoch),
        );
        const silent = ends.findIndex(([a, b]) => a === undefined || b === undefined);
        const apart = ends.findIndex(([a, b]) => a !== b);
        const end = silent < 0 && apart < 0 ? 'pass' : silent >= 0 && silent <= apart ? 'inconclusive' : 'fail';
        expect(status).toBe(clash ? 'fail' : rosters.length === 0 ? 'unverified' : end);
      }),
      { seed: 20261121, numRuns: 1_000 },
    );
    expect([...seen].toSorted()).toEqual(['fail', 'inconclusive', 'pass', 'unverified']);
  });
});

describe('presence-true', () => {
  const claim = (stands: boolean) =>
    claims.presenceTrue({
      reports: { event: 'presence' },
      subject: '/who',
      state: '/state',
      online: ['online'],
      downs: ['kill'],
      within: 100,
      stands,
    });
  const begun = () => new TestJournal().begin().world([{ name: 'alice', agentId: 'id-alice' }, { name: 'bob' }]);
  const says = (journal: TestJournal, state: string) => journal.observe('bob', 'presence', 'presence', { who: 'id-alice', state });

  it('allows what is true, and what is not yet known', () => {
    const journal = begun();
    says(journal.after(200), 'online');
    journal.after(10).fault('f', 'requested', 'applied', 'bit');
    says(journal.after(99), 'online');
    says(journal.after(1), 'gone');
    journal.fault('f', 'healed', 'heal_seen');
    says(journal.after(99), 'gone');
    says(journal.after(1), 'online');
    expect(judged(journal, claim(true))).toMatchObject({ status: 'pass', message: '5 reports, none false for more than 100 ms' });
  });

  it('refuses the dead that are shown as online, and the living that are shown as gone', () => {
    const dead = begun();
    dead.after(200).fault('f', 'requested', 'applied', 'bit');
    says(dead.after(101), 'online');
    expect(judged(dead, claim(false))).toMatchObject({ status: 'fail', evidence: [6] });
    const living = begun();
    says(living.after(101), 'gone');
    expect(judged(living, claim(false)).status).toBe('fail');
  });

  it('may allow less time for who is there than for who is gone', () => {
    const strict = { ...claim(true), params: { ...(claim(true).params as object), upWithin: 50 } };
    const tells = (ms: number) => {
      const journal = begun();
      says(journal.after(10), 'online');
      journal.after(300).fault('f', 'requested', 'applied', 'bit');
      says(journal.after(99), 'gone');
      journal.fault('f', 'healed', 'heal_seen');
      says(journal.after(ms), 'online');
      return judged(journal, strict);
    };
    expect(tells(50)).toMatchObject({ status: 'pass', message: '3 reports, none false for more than 100 ms, or 50 ms where a node was there' });
    expect(tells(51)).toMatchObject({ status: 'fail', message: expect.stringContaining('bob showed alice as gone') as string });
  });

  it('holds a standing view to account until it is taken back', () => {
    const journal = begun();
    says(journal.after(200), 'online');
    journal.fault('f', 'requested', 'applied', 'bit').after(500).observe('bob', 'other', 'tick', null);
    expect([judged(journal, claim(false)).status, judged(journal, claim(true)).status]).toEqual(['pass', 'fail']);
    expect(judged(begun(), claim(true)).status).toBe('unverified');
  });
});

describe('linearizable', () => {
  const actions = [
    { operations: { op: 'tasks.claim' }, does: 'claim', key: '/input/task' },
    { operations: { op: 'tasks.release' }, does: 'release', key: '/input/task' },
    { operations: { op: 'tasks.owner' }, does: 'holder', key: '/input/task', value: '/output/owner' },
  ] as const;
  const step = (journal: TestJournal, process: string, op: string, type: 'ok' | 'fail' | 'info' = 'ok', owner?: string) =>
    journal.operation(process, `tasks.${op}`, { task: 't' }, { type, ...(owner !== undefined && { output: { owner } }) });

  it('refuses a task that two have claimed, and names the claim too many', () => {
    const journal = new TestJournal().begin().world([{ name: 'alice', agentId: 'id-alice' }]);
    step(journal, 'alice', 'claim');
    step(journal, 'bob', 'claim');
    expect(judged(journal, claims.linearizable(actions))).toMatchObject({ status: 'fail', evidence: [6] });
  });

  it('accepts a claim after a release, a refused claim, and an owner by its agent id', () => {
    const journal = new TestJournal().begin().world([{ name: 'alice', agentId: 'id-alice' }]);
    step(journal, 'alice', 'claim');
    step(journal, 'bob', 'claim', 'fail');
    step(journal, 'bob', 'owner', 'ok', 'id-alice');
    step(journal, 'alice', 'release', 'info');
    step(journal, 'bob', 'claim');
    expect(judged(journal, claims.linearizable(actions))).toMatchObject({ status: 'pass' });
    step(journal, 'alice', 'owner', 'ok', 'id-alice');
    expect(judged(journal, claims.linearizable(actions)).status).toBe('fail');
  });

  it('is inconclusive when the search is given up, and unverified without operations', () => {
    const journal = new TestJournal().begin();
    expect(judged(journal, claims.linearizable(actions)).status).toBe('unverified');
    step(journal, 'alice', 'claim');
    step(journal, 'alice', 'release');
    expect(judged(journal, claims.linearizable(actions, 1))).toMatchObject({ status: 'inconclusive', blame: 'harness', message: expect.stringContaining('unknown') as string }); // prettier-ignore
  });
});

describe('resource-envelope', () => {
  const sampled = (value: (n: number) => number, samples = 60) => {
    const journal = new TestJournal().begin();
    for (let n = 0; n < samples; n++) journal.after(60_000).observe('alice', 'process', 'sample', { rss: value(n) });
    return journal;
  };
  const noise = (n: number) => (((n * 7919) % 13) - 6) / 4;
  const claim = claims.resourceEnvelope({ samples: { event: 'sample' }, at: '/rss', unit: 'MB', perHour: 5, most: 200 });

  it('passes what stays, fails what grows, and says how sure it is', () => {
    const steady = judged(sampled((n) => 100 + noise(n)), claim); // prettier-ignore
    expect(steady).toMatchObject({ status: 'pass', message: expect.stringMatching(/^alice grows by \S+ MB an hour \(\S+ to \S+, 99 %\), at most 5$/) as string }); // prettier-ignore
    expect(judged(sampled((n) => 100 + noise(n) + n), claim).status).toBe('fail'); // prettier-ignore
    expect(
      judged(
        sampled((n) => (n === 30 ? 201 : 100)),
        claim,
      ),
    ).toMatchObject({ status: 'fail', message: 'alice reached 201 MB, over 200 MB' });
  });

  it('does not pretend to know from little', () => {
    expect(judged(sampled((n) => 100 + noise(n), 8), claim)).toMatchObject({ status: 'inconclusive', blame: 'lab' }); // prettier-ignore
    expect(judged(sampled(() => 100, 3), claim).status).toBe('inconclusive'); // prettier-ignore
    expect(judged(sampled(() => 100, 0), claim).status).toBe('unverified'); // prettier-ignore
  });

  it('leaves the warm-up out', () => {
    const grown = sampled((n) => (n < 20 ? n * 3 : 60 + noise(n)));
    const patient = claims.resourceEnvelope({ samples: { event: 'sample' }, at: '/rss', perHour: 10, warmUp: 20 * 60_000 });
    expect([judged(grown, claim).status, judged(grown, patient).status]).toEqual(['inconclusive', 'pass']);
  });

  it('tells what stays after collections from what is on its way out', () => {
    const floored = claims.resourceEnvelope({ samples: { event: 'sample' }, at: '/rss', perHour: 5, floorOf: 5 * 60_000 });
    const uncertain = claims.resourceEnvelope({ samples: { event: 'sample' }, at: '/rss', perHour: 5 });
    const saw = (grows: number) => sampled((n) => 50 + grows * n + ((n * 7) % 5) * 20, 59);
    expect(judged(saw(0), uncertain).status).toBe('inconclusive');
    expect(judged(saw(0), floored).status).toBe('pass');
    expect(judged(saw(1), floored).status).toBe('fail');
  });
});

describe('succeeds-at-rate', () => {
  const claim = claims.succeedsAtRate({ trials: { event: 'punch' }, success: '/direct', good: 0.95, bad: 0.8 });
  const tried = (...trials: boolean[]) => {
    const journal = new TestJournal().begin();
    for (const direct of trials) journal.observe('lab', 'trials', 'punch', { direct });
    return judged(journal, claim);
  };
  const times = (count: number, value: boolean) => Array.from({ length: count }, () => value);

  it('says how many more trials it needs, then passes with exactly those', () => {
    const few = tried(...times(5, true), false);
    const more = Number(/needs (\d+) more/.exec(few.message)?.[1]);
    expect(few).toMatchObject({ status: 'inconclusive', blame: 'harness' });
    expect(tried(...times(5, true), false, ...times(more - 1, true)).status).toBe('inconclusive');
    expect(tried(...times(5, true), false, ...times(more, true)).status).toBe('pass');
  });

  it('fails a rate that is bad, and is unverified without a trial', () => {
    expect(tried(...times(4, false))).toMatchObject({ status: 'fail', blame: 'target' });
    expect(tried().status).toBe('unverified');
  });
});
