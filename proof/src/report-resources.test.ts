import { expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import { TestJournal } from './journal.test-helper.ts';
import { reportOf } from './report.ts';
import { reportHtml } from './report-html.ts';

async function pageOf(sample: (second: number) => Record<string, number>, seconds = 60): Promise<string> {
  const journal = new TestJournal().begin().world([{ name: 'alice' }]);
  for (let second = 0; second < seconds; second++) journal.after(1_000).observe('alice', 'resources', 'sample', sample(second));
  const evaluated = await evaluate(() => [journal.finish().lines]);
  const html = reportHtml(reportOf(evaluated), evaluated);
  const begun = html.indexOf('id="resources"');
  return html.slice(begun, html.indexOf('</section>', begun)).replaceAll(/\s*\n\s*/g, '');
}

test('what grows is told with how much, and how sure that is', async () => {
  const page = await pageOf((second) => ({ rss_bytes: 100e6 + second * 1e6 }));
  expect(page).toContain('Resident memory, by node');
  expect(page).toContain('>100 MB</td>');
  expect(page).toContain('>159 MB</td>');
  expect(page).toContain('3.6 GB (3.6 GB to 3.6 GB)');
});

test('what stands still grows by nothing', async () => {
  expect(await pageOf(() => ({ sockets: 12 }))).toContain('0 (0 to 0)');
});

test('too few samples claim no growth', async () => {
  expect(await pageOf((second) => ({ handles: second }), 3)).toContain('too few samples');
});

test('processor time is drawn as a share of a core, across a process that began anew', async () => {
  const page = await pageOf((second) => ({ cpu_ms: (second % 30) * 250 }));
  expect(page.match(/>[^<]* %</g)).toEqual(['>25 %<', '>25 %<', '>25 %<', '>25 %<']);
});

test('each node has a line of its own in the legend, and what it knows no name for stands under its own', async () => {
  const page = await pageOf(() => ({ threads: 7 }));
  expect(page).toContain('threads, by node');
  expect(page).toMatch(/class="curve c0"[^>]*><\/line><\/svg> alice/);
});
