/** What the report draws of a run, and the tables beside it. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { literal } from './claim.ts';
import { claims } from './claims.ts';
import { evaluate } from './evaluate.ts';
import { TestJournal } from './journal.test-helper.ts';
import { markup } from './html.ts';
import { Histograms } from './picture/histogram.ts';
import { LOGS, PictureCollector } from './picture/picture.ts';
import { reportOf } from './report.ts';
import { timeline } from './report-pictures.ts';
import { reportHtml } from './report-html.ts';

const names = ['alice', 'bob', 'carol'];

/** The text of each cell of the table below a heading. */
async function partsOf(journal: TestJournal) {
  const evaluated = await evaluate(() => [journal.finish().lines]);
  const html = reportHtml(reportOf(evaluated), evaluated);
  return (id: string) => {
    const begun = html.indexOf(`aria-labelledby="${id}"`);
    const text = html.slice(begun, html.indexOf('</section>', begun));
    const rows = [...text.matchAll(/<tr>([^]*?)<\/tr>/gu)].map(([, row = '']) =>
      [...row.matchAll(/<t[hd][^>]*>([^]*?)<\/t[hd]>/gu)].map(([, cell = '']) => cell.replaceAll(/<[^>]*>/gu, '').trim()),
    );
    return { text, rows: rows.slice(1), count: (tag: string) => text.split(tag).length - 1 };
  };
}

const world = () => new TestJournal().begin().world(names.map((name) => ({ name, agentId: `id-${name}` })));

test('nodes are drawn with the routes between them, and told by which path messages went', async () => {
  const journal = world();
  const send = (from: string, to: string, path: string) => journal.operation(from, 'direct.send', { agent_id: `id-${to}` }, { type: 'ok', output: { path } }); // prettier-ignore
  send('alice', 'bob', 'loopback');
  send('alice', 'bob', 'loopback');
  send('alice', 'bob', 'gossip_inbox');
  send('bob', 'alice', 'loopback');
  journal.operation('carol', 'network.peers', null, { type: 'ok', output: { peers: [{ id: 'id-bob' }, { id: 'a stranger' }] } });
  journal.operation('alice', 'direct.send', { agent_id: 'id-carol' }, { type: 'fail', status: 404 });
  const { rows, count } = (await partsOf(journal))('topology');
  expect([count('<circle'), count('<line class="route"')]).toEqual([3, 2]);
  expect(rows).toEqual([
    ['alice → bob', 'no', '2 over loopback, 1 over gossip_inbox'],
    ['bob → alice', 'no', '1 over loopback'],
    ['carol → bob', 'yes', '—'],
  ]);
});

test('operations, events, faults, failed checks and logs stand in the lanes of their nodes, on one axis', async () => {
  const journal = world();
  const begun = (type: 'ok' | 'fail' | 'info', status: number): void => {
    const id = journal.after(10).operation('alice', 'messaging.publish', null);
    journal.after(5).write({ type, id, ...(type !== 'info' && { status }) });
  };
  begun('ok', 200);
  begun('fail', 503);
  begun('info', 0);
  journal.after(10).observe('bob', 'messaging.events', 'message', { n: 1 });
  journal.after(10).write({ type: 'fault', id: 'f', kind: 'kill', node: 'carol', stage: 'bit' });
  journal.after(10).observe('carol', LOGS, 'line', { text: 'ERROR ended', left_out: 7 });
  journal.after(10).check('a/b/c', claims.equals(literal(1), literal(2)), { status: 'fail' });
  const evaluated = await evaluate(() => [journal.finish().lines]);
  const html = reportHtml(reportOf(evaluated), evaluated);
  const [, data = ''] = /<script type="application\/json" id="picture">([^]*?)<\/script>/u.exec(html) ?? [];
  const { lanes, texts, kinds, marks } = JSON.parse(data) as Record<'lanes' | 'texts' | 'kinds', string[]> & { marks: Record<'t' | 'ms' | 'lane' | 'kind' | 'text', number[]> }; // prettier-ignore
  let tenths = 0;
  const told = marks.t.map((after, n) => {
    tenths += after;
    const [lane, kind, text] = [lanes[marks.lane[n]!], kinds[marks.kind[n]!], texts[marks.text[n]!]];
    return `${tenths / 10} ${lane}: ${kind}, ${text}, ${marks.ms[n]} ms`;
  });
  expect(told).toEqual([
    '10 alice: operations, messaging.publish (rest), 5 ms',
    '25 alice: refused, messaging.publish (rest) 503, 5 ms',
    '40 alice: no answer, messaging.publish (rest), 5 ms',
    '55 bob: events, messaging.events message, 0 ms',
    '65 carol: faults, kill: bit, 0 ms',
    '75 carol: logs, ERROR ended (7 left out before), 0 ms',
    '85 lab: failed checks, fail: a/b/c, 0 ms',
  ]);
});

test('of more logs than there is room for one in so many is shown, to the end, which is said', () => {
  const collector = new PictureCollector();
  const lines = 150_000;
  for (let seq = 0; seq < lines; seq++) {
    collector.line({ seq, t: seq, type: 'observe', node: 'alice', stream: LOGS, event: 'line', data: { text: `line ${seq}` } });
  }
  const picture = collector.result();
  expect([picture.every, picture.marks.t.length, picture.texts.at(-1)]).toEqual([2, lines / 2, `line ${lines - 2}`]);
  expect(markup`${timeline(picture)}`.text).toContain('of operations, events and logs one in 2');
});

test('how long what succeeded took is told by operation, and drawn', async () => {
  const journal = world();
  for (const ms of [1, 1, 1, 40]) {
    const id = journal.operation('alice', 'direct.send', { agent_id: 'id-bob' });
    journal.after(ms).write({ type: 'ok', id });
  }
  const id = journal.operation('alice', 'direct.send', { agent_id: 'id-bob' });
  journal.after(5_000).write({ type: 'fail', id });
  const { rows, count } = (await partsOf(journal))('latencies');
  expect(rows).toEqual([['direct.send', 'rest', '4', '1.1 ms', '40 ms', '40 ms', '']]);
  // Two buckets are not empty.
  expect(count('<rect')).toBe(2);
});

test('the ledger says of each subscriber what became of what was published', async () => {
  const journal = world();
  for (const n of [1, 2, 3]) journal.operation('alice', 'messaging.publish', { n }, { type: 'ok' });
  for (const n of [1, 2]) journal.observe('bob', 'events', 'message', { n });
  journal.observe('bob', 'dropped', 'expired', { n: 3 });
  journal.observe('carol', 'events', 'message', { n: 1 });
  const told = (stream: string) => ({ observe: { stream }, key: '/n' });
  const claim = claims.balanced({
    sends: { op: 'messaging.publish' },
    key: '/input/n',
    receivers: { nodes: ['bob', 'carol'] },
    delivered: told('events'),
    expired: told('dropped'),
  });
  journal.check('a/b/ledger', claim);
  expect((await partsOf(journal))('ledger').rows).toEqual([
    ['bob', '3', '2', '0', '1', '0', '0', '0'],
    ['carol', '3', '1', '0', '0', '0', '0', '2'],
  ]);
});

test('a quantile of a histogram is at most one bucket above that of all values', () => {
  const bucket = 2 ** (1 / 4);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.2, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 300 }), (values) => {
      const histograms = new Histograms();
      for (const value of values) histograms.add('op', 'rest', value);
      const [{ count, counts, p50, p99, max } = { count: 0, counts: [], p50: 0, p99: 0, max: 0 }] = histograms.all();
      const sorted = values.toSorted((a, b) => a - b);
      expect([count, counts.reduce((sum, one) => sum + one, 0), max]).toEqual([values.length, values.length, sorted.at(-1)]);
      for (const [share, found] of [
        [0.5, p50],
        [0.99, p99],
      ] as const) {
        const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
        expect(found).toBeGreaterThanOrEqual(exact - 0.01);
        expect(found).toBeLessThanOrEqual(exact * bucket + 0.01);
      }
    }),
    { seed: 20261121, numRuns: 300 },
  );
});
