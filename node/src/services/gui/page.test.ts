/** The page as a browser shows it. */
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, base64, Daemons } from '../../testing/daemon.ts';

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
if (!browserPath) console.warn('the page is not looked at: no Chromium here (on Debian: apt install chromium)');

const SOON = { timeout: 15_000 };

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

describe.skipIf(!browserPath)('the page of a node with a peer', () => {
  const daemons = new Daemons();
  let browser: Browser;
  let alice: Api;
  let bob: Api;

  beforeAll(async () => {
    // Chromium has no sandbox of its own where its user is root, as in CI; the page is ours.
    browser = await chromium.launch({ executablePath: browserPath!, chromiumSandbox: process.getuid?.() !== 0 });
    [alice, bob] = await daemons.pair();
  });
  afterAll(async () => {
    await browser?.close();
    await daemons[Symbol.asyncDispose]();
  });

  /** Nothing may go wrong in it, and it may ask nobody but its node. */
  async function shown(options: BrowserContextOptions, look: (page: Page) => Promise<void>, events?: string): Promise<void> {
    await using context = await browser.newContext(options);
    const page = await context.newPage();
    const trouble: string[] = [];
    const origin = `http://${alice.daemon.apiAddress}/`;
    page.on('pageerror', (error) => trouble.push(error.message));
    page.on('request', (request) => request.url().startsWith(origin) || trouble.push(`asks for ${request.url()}`));
    if (events !== undefined) await page.route(`${origin}events`, (route) => route.fulfill({ contentType: 'text/event-stream', body: events }));
    await page.goto(`${origin}gui`);
    await look(page);
    expect(trouble).toEqual([]);
  }

  async function says(page: Page, id: string, text: string): Promise<void> {
    await expect.poll(() => page.locator(`#${id}`).textContent(), SOON).toContain(text);
  }
  const short = (id: string): string => `${id.slice(0, 8)}…${id.slice(-4)}`;

  it('tells who it is, how it is, and whom it is linked to', async () => {
    await shown({}, async (page) => {
      await says(page, 'state', 'connected, 1 peer');
      await says(page, 'identity', alice.agent);
      expect(await page.locator('#identity').textContent()).toContain(alice.machine);
      expect(await page.locator('#status').textContent()).toContain(alice.daemon.apiAddress);
      expect(await page.locator('#peers tr').allTextContents()).toEqual([expect.stringContaining(short(bob.agent) + short(bob.machine))]);
    });
  });

  it('shows what happens as it happens, and what others wrote as text', async () => {
    await shown({}, async (page) => {
      await says(page, 'events', `presence ${short(bob.agent)} online`);
      await page.locator('#topic').fill('news');
      await page.locator('#topic').press('Enter');
      await says(page, 'subscribed', 'Subscribed to news');
      const hostile = '<img src=x onerror=alert(1)>\u202e';
      await bob.call('POST', '/publish', { topic: 'news', payload: base64(hostile) });
      await says(page, 'events', `message on news from ${short(bob.agent)} (unknown)<img src=x onerror=alert(1)>\\u202e`);
      await bob.call('POST', '/direct/send', { agent_id: alice.agent, payload: base64('hello, Alice') });
      await says(page, 'events', `direct message from ${short(bob.agent)} (unknown)hello, Alice`);
      expect(await page.locator('#events *:not(li, time, bdi, span)').count()).toBe(0);
      await page.locator('#clear').click();
      expect(await page.locator('#events').textContent()).toBe('');
    });
  });

  it('tells how many messages a reader lost', async () => {
    const missed = `event: missed\ndata: {"type":"missed","data":{"subscription_id":"00","topic":"news","count":12}}\n\n`;
    await shown({}, async (page) => says(page, 'events', 'missed on news 12'), missed);
  });

  it('asks whoever is not trusted with the token for it', async () => {
    await shown({ extraHTTPHeaders: { 'x-forwarded-for': '192.0.2.7' } }, async (page) => {
      await says(page, 'state', 'not connected');
      await page.locator('#token').fill('f'.repeat(64));
      await page.locator('#token').press('Enter');
      await says(page, 'token-error', 'the node does not accept this token');
      await page.locator('#token').fill(alice.token);
      await page.locator('#token').press('Enter');
      await says(page, 'state', 'connected, 1 peer');
      expect(await page.locator('#token-form').isVisible()).toBe(false);
    });
  });

  it.each([
    ['wide and light', 1280, 'light'],
    ['narrow and dark', 360, 'dark'],
  ] as const)('is accessible and fits when %s', async (_, width, colorScheme) => {
    // axe is injected by evaluation, which the page's own policy would refuse.
    await shown({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true, reducedMotion: 'reduce' }, async (page) => {
      await says(page, 'identity', alice.agent);
      await page.evaluate(axe.source);
      const violations = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`)).toEqual([]);
      expect(await page.evaluate('document.scrollingElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      await says(page, 'peers', short(bob.machine));
      expect(await page.evaluate('[...document.querySelectorAll(".scroll")].filter((list) => list.scrollWidth > list.clientWidth).length')).toBe(0);
      await page.evaluate('document.getElementById("events").append(document.createElement("li"))');
      const columns = await page.evaluate<string>('getComputedStyle(document.querySelector("#events li")).gridTemplateColumns');
      expect(columns.split(' ')).toHaveLength(width < 480 ? 1 : 2);
    });
  });

  it('says that its node is gone', async () => {
    await shown({}, async (page) => {
      await says(page, 'state', 'connected, 1 peer');
      await alice.daemon[Symbol.asyncDispose]();
      await says(page, 'state', 'no answer from the node');
    });
  });
});
