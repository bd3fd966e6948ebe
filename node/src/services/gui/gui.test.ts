import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { TOKEN_MARKER } from '@muster/contract';
import { text } from 'node:stream/consumers';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { socketOwner } from '../../surfaces/http/own-browser.ts';
import { Daemons } from '../../testing/daemon.ts';

let daemons = new Daemons();
afterEach(async () => {
  await daemons[Symbol.asyncDispose]();
  daemons = new Daemons();
});

interface Page {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function get(address: string, path = '/gui', headers: Record<string, string> = {}): Promise<Page> {
  return new Promise((resolve, reject) => {
    const asking = request(`http://${address}${path}`, { headers, agent: false }, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    asking.on('error', reject).end();
  });
}

const scriptsOf = ({ text }: Page): string[] => [...text.matchAll(/<script>(.*?)<\/script>/gs)].map((match) => match[1]!);
const source = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

test('a browser on this machine gets the page with the token, and may run nothing else', async () => {
  const root = await daemons.home();
  const { daemon, token } = await daemons.start(root, join(root, 'host'));
  for (const path of ['/gui', '/gui/']) {
    const page = await get(daemon.apiAddress, path);
    expect(page).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'x-frame-options': 'DENY' },
    });
    expect(page.text).not.toContain(TOKEN_MARKER);
    expect(page.text).toContain(`<script>const X0X_TOKEN='${token}';</script>`);
    expect(page.text.split(token).length).toBe(2);
    const policy = String(page.headers['content-security-policy']);
    expect(scriptsOf(page)).toHaveLength(2);
    for (const script of scriptsOf(page)) expect(policy).toContain(source(script));
    expect(policy).toContain(source(/<style>(.*?)<\/style>/s.exec(page.text)![1]!));
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page.text).toContain(`const STREAMS = ["/events"`);
    // Nothing from elsewhere, and no attribute that runs or styles: the policy would not allow it.
    expect(page.text.replace(/data:image[^"]+/gu, '')).not.toMatch(/https?:|\/\/[a-z]|\son\w+=|\sstyle=|innerHTML|\?token=/iu);
    for (const script of scriptsOf(page)) expect(() => new Function(script)).not.toThrow();
  }
});

test.each([
  ['a page of another origin', { origin: 'http://127.0.0.1:8080' }],
  ['another page on this machine', { 'sec-fetch-site': 'same-site' }],
  ['a page from anywhere', { 'sec-fetch-site': 'cross-site' }],
  ['a proxy', { 'x-forwarded-for': '192.0.2.7' }],
  ['another proxy', { forwarded: 'for=192.0.2.7' }],
])('%s gets the page without the token', async (_, headers) => {
  const root = await daemons.home();
  const { daemon, token } = await daemons.start(root, join(root, 'host'));
  const page = await get(daemon.apiAddress, '/gui', headers);
  expect(page.status).toBe(200);
  expect(page.text).toContain(TOKEN_MARKER);
  expect(page.text).not.toContain(token);
  expect(scriptsOf(page).map(source)).toEqual([expect.stringMatching(/^'sha256-/u)]);
});

test.runIf(process.platform === 'linux')('another user of this machine gets the page without the token', async () => {
  const root = await daemons.home();
  const { daemon, token } = await daemons.start(root, join(root, 'host'));
  const [own, nobody] = [process.getuid!(), 65_534];
  const [host, port] = daemon.apiAddress.split(':');
  // Only the superuser can become somebody else; for others the daemon takes itself for somebody else.
  if (own !== 0) {
    const getuid = vi.spyOn(process, 'getuid').mockReturnValue(nobody);
    onTestFinished(() => getuid.mockRestore());
  }
  const ask = `exec 3<>/dev/tcp/${host}/${port}; printf 'GET /gui HTTP/1.1\\r\\nHost: ${daemon.apiAddress}\\r\\nConnection: close\\r\\n\\r\\n' >&3; cat <&3`;
  const page = await text(spawn('/bin/bash', ['-c', ask], { cwd: '/', ...(own === 0 && { uid: nobody, gid: nobody }) }).stdout);
  expect(page).toContain(TOKEN_MARKER);
  expect(page).not.toContain(token);
});

test('under a foreign name there is no page at all', async () => {
  const root = await daemons.home();
  const { daemon } = await daemons.start(root, join(root, 'host'));
  expect((await get(daemon.apiAddress, '/gui', { host: 'attacker.example' })).status).toBe(403);
});

test('whatever the token is made of, the page holds it and nothing more', async () => {
  const root = await daemons.home();
  const odd = `</script><script>alert(1)//'\\"$&\`${'é'.repeat(32)}`;
  await mkdir(join(root, 'data'), { recursive: true, mode: 0o700 });
  await writeFile(join(root, 'data', 'api-token'), odd, { mode: 0o600 });
  const { daemon, token } = await daemons.start(root, join(root, 'host'));
  expect(token).toBe(odd);
  const [first] = scriptsOf(await get(daemon.apiAddress));
  expect(new Function(`${first}; return X0X_TOKEN;`)()).toBe(odd);
});

test.runIf(process.platform === 'linux')('the owner of a connection is the user behind its other end', async () => {
  await using server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const accepted = new Promise<void>((resolve) => server.once('connection', (socket) => (socket.unref(), resolve())));
  const client = connect(port, '127.0.0.1');
  await accepted;
  const local = client.localPort!;
  expect(socketOwner(readFileSync('/proc/net/tcp', 'latin1'), local, port)).toBe(process.getuid!());
  client.destroy();
  const line = (uid: number): string =>
    ` 0: 0100007F:8D09 0100007F:BD42 01 00000000:00000000 00:00000000 00000000  ${uid}        0 77 1 0000000040173f13`;
  expect(socketOwner(`  sl  local_address\n${line(1001)}\n`, 0x8d09, 0xbd42)).toBe(1001);
  expect(socketOwner(line(1001), 0xbd42, 0x8d09)).toBeUndefined();
});
