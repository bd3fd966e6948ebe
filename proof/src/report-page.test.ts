import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { literal } from './claim.ts';
import { claims } from './claims.ts';
import { evaluate } from './evaluate.ts';
import { TestJournal } from './journal.test-helper.ts';
import { reportOf } from './report.ts';
import { LOGS } from './picture/picture.ts';
import { reportHtml } from './report-html.ts';

const EVENTS = 100_000;
const OPENED_MS = 2_000;
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
if (!browserPath) console.warn('the report is not looked at: no Chromium here (on Debian: apt install chromium)');

/** A run that failed, of three nodes and so many events. */
async function failedRun(): Promise<string> {
  const journal = new TestJournal().begin();
  const names = ['alice', 'bob', 'carol'];
  journal.world(names.map((name, index) => ({ name, agentId: String(index).repeat(64) })));
  journal.write({ type: 'phase', scenario: 'smoke/pairs', phase: 'drive', event: 'begin' });
  for (const from of names)
    for (const [index, to] of names.entries())
      if (to !== from) journal.after(2).operation(from, 'direct.send', { agent_id: String(index).repeat(64) }, { type: 'ok', status: 200, output: { path: 'loopback' } }); // prettier-ignore
  const id = journal.operation('alice', 'messaging.publish', { topic: 't' });
  journal.after(30).write({ type: 'fail', id, status: 503, error: 'too busy' });
  journal.write({ type: 'fault', id: 'f', kind: 'kill', node: 'bob', stage: 'applied' });
  journal.observe('bob', LOGS, 'line', { text: 'WARN link down {"reason":"silent"}' });
  for (let event = 0; event < EVENTS; event++) {
    journal.after(0.5).observe(names[event % 3]!, 'messaging.events', 'message', { n: event });
    if (event % 10_000 === 0)
      for (const [index, name] of names.entries())
        journal.observe(name, 'resources', 'sample', { rss_bytes: 90e6 + index * 1e6 + event, sockets: 12, cpu_ms: event });
  }
  journal.write({ type: 'fault', id: 'f', kind: 'kill', node: 'bob', stage: 'healed' });
  journal.write({ type: 'phase', scenario: 'smoke/pairs', phase: 'drive', event: 'end' });
  journal.check('smoke/pairs/passed', claims.equals(literal(1), literal(1)));
  const refused = { outcome: 'ok', op: id } as const;
  journal.check('smoke/pairs/accepted', claims.outcome({ id: refused.op }, refused.outcome), { title: 'the message is accepted' });
  journal.finish();
  const evaluated = await evaluate(() => [journal.lines]);
  return reportHtml(reportOf(evaluated), evaluated);
}

/** Resolves once something is listed: the lanes are drawn then. */
const listed = (page: Page): Promise<void> => page.locator('#window-list tr').first().waitFor();

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

describe.skipIf(!browserPath)('the page of a run that failed', () => {
  let browser: Browser;
  let directory: string;
  let address: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'muster-report-'));
    const file = join(directory, 'report.html');
    await writeFile(file, await failedRun());
    address = pathToFileURL(file).href;
    // Chromium has no sandbox of its own where its user is root, as in CI; the page is ours.
    browser = await chromium.launch({ executablePath: browserPath!, chromiumSandbox: process.getuid?.() !== 0 });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function opened(width: number, colorScheme: 'light' | 'dark', look: (page: Page) => Promise<void>): Promise<void> {
    // axe is injected by evaluation, which the page's own policy would refuse.
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true, reducedMotion: 'reduce' });
    try {
      const page = await context.newPage();
      const trouble: string[] = [];
      page.on('pageerror', (error) => trouble.push(error.message));
      page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()));
      page.on('request', (request) => request.url() !== address && trouble.push(`asks for ${request.url()}`));
      await page.goto(address);
      await listed(page);
      await look(page);
      expect(trouble).toEqual([]);
    } finally {
      await context.close();
    }
  }

  it.each([
    ['wide and light', 1280, 'light'],
    ['wide and dark', 1280, 'dark'],
    ['narrow and light', 360, 'light'],
    ['narrow and dark', 360, 'dark'],
  ] as const)('is accessible and fits when %s', async (_, width, scheme) => {
    await opened(width, scheme, async (page) => {
      await page.evaluate(axe.source);
      const violations = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`)).toEqual([]);
      expect(await page.evaluate('document.scrollingElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    });
  });

  it('runs its script under its own policy, and is drawn in time', async () => {
    const times: number[] = [];
    for (let time = 0; time < 3; time++) {
      const page = await browser.newPage();
      await page.goto(address);
      await listed(page);
      times.push(await page.evaluate<number>('performance.now()'));
      await page.close();
    }
    expect(Math.min(...times)).toBeLessThan(OPENED_MS);
  });

  it('says the verdict first, and how to see it again', async () => {
    await opened(1280, 'light', async (page) => {
      expect(await page.locator('h1').textContent()).toBe('The target failed');
      const evidence = page.locator('details.evidence').first();
      expect(await evidence.textContent()).toContain('smoke/pairs/accepted');
      expect(await evidence.textContent()).toContain("muster prove --seed 42 --suite smoke --grep '^smoke/pairs '");
      expect(await evidence.textContent()).toContain('too busy');
    });
  });

  it('is walked through with the keyboard alone', async () => {
    await opened(1280, 'light', async (page) => {
      const said = () => page.locator('#window-said').textContent();
      const whole = await said();
      expect(whole).toMatch(/100010 marks/);
      await page.locator('#lanes').focus();
      for (const key of ['+', '+', '+', 'Home', 'ArrowRight']) await page.keyboard.press(key);
      await expect.poll(said).not.toBe(whole);
      await page.locator('#from').focus();
      const before = await said();
      await page.keyboard.press('PageUp');
      await expect.poll(said).not.toBe(before);
      await page.locator('details.evidence button').first().focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('#window-list').textContent()).toContain('messaging.publish (rest) 503');
      const list = () => page.locator('#window-list').textContent();
      await page.locator('[data-kind="3"]').uncheck();
      await expect.poll(list).not.toContain('messaging.events');
      // What it said in its log stands on the same axis, in its lane.
      await expect.poll(list).toMatch(/boblogsWARN link down \{"reason":"silent"\}/u);
      await page.getByLabel('logs', { exact: true }).uncheck();
      await expect.poll(list).not.toContain('WARN link down');
    });
  });
});
