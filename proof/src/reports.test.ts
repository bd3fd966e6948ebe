import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { claims } from './claims.ts';
import { literal } from './claim.ts';
import { killRateCalibration } from './frame.ts';
import type { Json } from './json.ts';
import { ctrfOf } from './ctrf.ts';
import { evaluate } from './evaluate.ts';
import { escapeHtml } from './html.ts';
import { TestJournal } from './journal.test-helper.ts';
import { junitOf, xmlText } from './junit.ts';
import { reportOf } from './report.ts';
import { reportHtml } from './report-html.ts';
import { reportScript } from './report-script.ts';
import { reportStyle } from './report-style.ts';

const hostile = `</td><script>alert(1)</script>"'&\u0000\u202e]]>`;

async function hostileReport() {
  const journal = new TestJournal().begin({ runId: hostile, reproduce: hostile, inputs: { [hostile]: hostile }, filters: ['-x'] });
  journal.world([{ name: hostile, agentId: hostile }]);
  journal.fault('f', 'requested', 'applied', 'bit', 'healed');
  journal.write({ type: 'calibration', name: hostile, measured: 1, unit: hostile, within: [0, null] });
  const bugs: Json = [{ name: hostile, plants: hostile, caught_by: hostile, caught: false }, hostile, { name: 1 }];
  journal.observe('lab', 'oracles', killRateCalibration, { bugs });
  journal.write({ type: 'phase', scenario: hostile, phase: 'drive', event: 'begin' });
  journal.after(3).operation('alice', 'messaging.publish', { id: 1 }, { type: 'ok' });
  journal.write({ type: 'phase', scenario: hostile, phase: 'drive', event: 'end' });
  const one = literal(hostile);
  journal.check('a/pass/1', claims.equals(one, one), { title: hostile });
  journal.check('a/fail/1', claims.equals(one, literal(2)), { requirement: hostile });
  journal.check('a/lab/1', claims.equals(one, literal(2)), { blame: 'lab' });
  journal.check('a/warn/1', claims.equals(one, literal(2)), { level: 'SHOULD' });
  journal.check('a/doubt/1', claims.equals({ op: hostile, at: '' }, one));
  journal.check('a/skip/1', claims.skipped(hostile));
  journal.check('a/notrun/1', claims.notRun({ filter: '-x' }));
  const delivered = { observe: { stream: 'none' }, key: '/id' };
  journal.check('a/ledger/1', claims.balanced({ sends: {}, key: '/input/id', receivers: { nodes: [hostile] }, delivered }));
  journal.finish();
  const evaluated = await evaluate(() => [journal.lines]);
  return { ...reportOf(evaluated), evaluated };
}

function pageOf({ evaluated, ...report }: Awaited<ReturnType<typeof hostileReport>>): string {
  return reportHtml(report, evaluated);
}

/** WCAG 2.2 relative luminance of `#rrggbb` or `#rgb`. */
function luminance(colour: string) {
  const digits = colour.length === 4 ? colour.slice(1).replace(/./g, '$&$&') : colour.slice(1);
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((start) => {
    const channel = Number.parseInt(digits.slice(start, start + 2), 16) / 255;
    return channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe('the style sheet', () => {
  it('keeps a contrast of 4.5 : 1 for every text colour on both backgrounds, light and dark', () => {
    const schemes = [
      ...reportStyle.matchAll(
        /--paper: (#\w+); --ink: (#\w+); --faint: (#\w+);[^}]*--soft: (#\w+);[^}]*--pass: (#\w+); --fail: (#\w+); --doubt: (#\w+); --other: (#\w+);/g,
      ),
    ];
    expect(schemes).toHaveLength(2);
    for (const [, paper = '', ink = '', faint = '', soft = '', ...marks] of schemes) {
      for (const text of [ink, faint, ...marks]) {
        for (const background of [paper, soft]) {
          const [dark = 0, light = 0] = [luminance(text), luminance(background)].toSorted((a, b) => a - b);
          expect((light + 0.05) / (dark + 0.05), `${text} on ${background}`).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });
});

describe('reports', () => {
  it('name each cell where a narrow page has no columns, and show no number that was not measured', async () => {
    const page = pageOf(await hostileReport());
    expect(page.match(/<td[^>]* data-label="[^"]+"/g)?.length).toBe(page.match(/<td\b/g)?.length);
    expect(page).toMatch(/@media \(max-width: 640px\) \{[^@]*tr, th, td \{ display: block; \}/);
    expect(page).not.toContain('planted bugs caught');
    expect(pageOf({ ...(await hostileReport()), killRate: 0.75 })).toContain('75 %');
    expect((await hostileReport()).plantedBugs).toHaveLength(1);
  });

  it('maps statuses down to CTRF and keeps them in rawStatus', async () => {
    const { results } = ctrfOf(await hostileReport()) as { results: { summary: Record<string, number>; tests: Record<string, unknown>[] } };
    expect(Object.fromEntries(results.tests.map(({ name, status, rawStatus }) => [name, `${String(status)} ${String(rawStatus)}`]))).toEqual({
      'a/pass/1': 'passed pass',
      'a/fail/1': 'failed fail',
      'a/lab/1': 'other fail',
      'a/warn/1': 'other warn',
      'a/doubt/1': 'other inconclusive',
      'a/skip/1': 'skipped skipped',
      'a/notrun/1': 'pending notrun',
      'a/ledger/1': 'failed fail',
    });
    const { tests, passed = 0, failed = 0, pending = 0, skipped = 0, other = 0, start = 0, stop } = results.summary;
    expect(passed + failed + pending + skipped + other).toBe(tests);
    expect(stop).toBe(start + 3);
    expect(results.tests.find(({ name }) => name === 'a/lab/1')).toMatchObject({ labels: { blame: 'lab' } });
  });

  it('writes no pass that is none to JUnit, and no text that breaks XML', async () => {
    const xml = junitOf(await hostileReport());
    expect(xml).toContain('tests="8" failures="2" errors="2" skipped="3"');
    expect(xml).not.toContain('<script>');
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(xml).not.toMatch(/[\u0000-\u0008]/);
    expect(xmlText('a\u0000b\ud800')).toBe('a\ufffdb\ufffd');
  });

  it('escapes everything in HTML, runs no script but its own and reaches for nothing outside', async () => {
    const page = pageOf(await hostileReport());
    const [before = '', data = '', script = '', after = ''] = page.split(/<script type="application\/json" id="picture">|<\/script>(?:<script>)?/);
    expect(before + after).not.toMatch(/<script|javascript:|\son\w+=|src=|href=|@import|url\(/i);
    expect(script).toBe(reportScript);
    expect(page).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    expect(script).not.toMatch(/innerHTML|eval|fetch|https?:|import\(|insertAdjacent|document\.write/);
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(data).not.toMatch(/[<>&\u0000-\u0008\u202e]/);
    expect((JSON.parse(data) as { lanes: string[] }).lanes[0]).toBe(`</td><script>alert(1)</script>"'&\ufffd[U+202E]]]>`);
    expect(page).not.toContain(hostile);
    expect(page).toContain(escapeHtml(hostile));
    expect(escapeHtml(hostile)).toBe('&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\ufffd[U+202E]]]&gt;');
  });

  it('says verdict and blame first, then shows every check, fault, ledger and node', async () => {
    const page = pageOf(await hostileReport());
    expect(page.indexOf('The target failed')).toBeLessThan(page.indexOf('Blame: <strong>target</strong>'));
    expect(page.indexOf('Blame: <strong>target</strong>')).toBeLessThan(page.indexOf('<table>'));
    const [notPassed = '', leftOut = ''] = ['open', 'notrun'].map((id) => page.split(`aria-labelledby="${id}"`)[1]?.split('</section>')[0]);
    expect(notPassed).not.toContain('notrun');
    expect(leftOut).toContain('filtered out by -x');
    expect(leftOut).toContain('<code>a/notrun/1</code>');
    for (const id of ['open', 'notrun', 'passed', 'ledger', 'faults', 'nodes', 'calibration', 'timings', 'again'])
      expect(page).toContain(`aria-labelledby="${id}"`);
    for (const id of ['pass', 'fail', 'lab', 'warn', 'doubt', 'skip', 'notrun', 'ledger']) expect(page).toContain(`<code>a/${id}/1</code>`);
    const opened = page.match(/<(table|tr|td|th|section|div|dl|main|header|footer|p|span|code)\b/g)?.length;
    const closed = page.match(/<\/(table|tr|td|th|section|div|dl|main|header|footer|p|span|code)>/g)?.length;
    expect(opened).toBe(closed);
    expect(page.match(/<th /g)?.length).toBe(page.match(/<th scope="(row|col)"/g)?.length);
  });
});
