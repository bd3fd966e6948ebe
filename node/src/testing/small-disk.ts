/**
 * A daemon whose data lives on a small disk that fills up and becomes read-only, with a peer on a healthy one. Run as a script, in a mount namespace:
 * arguments are the healthy directory and the small disk; prints what happened as JSON.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Daemons, base64 } from './daemon.ts';
import type { Answer, Api } from './daemon.ts';
import { eventually } from './network.ts';

const [, , healthy, small] = process.argv as [string, string, string, string];
await using daemons = new Daemons();
const host = join(healthy, 'host');
const a = await daemons.start(small, host);
let b = await daemons.start(join(healthy, 'b'), host);
const linked = (): Promise<void> =>
  eventually('they are linked', async () => {
    const peers = (await a.call('GET', '/peers')).body['peers'] as unknown[];
    return peers.length === 1 && ((await b.call('GET', '/peers')).body['peers'] as unknown[]).length === 1;
  });
await linked();

/** New contacts until one is refused, or enough are taken. */
async function contacts(): Promise<Answer> {
  let answer: Answer;
  let count = 0;
  do {
    const agent_id = randomBytes(32).toString('hex');
    answer = await a.call('POST', '/contacts', { agent_id, trust_level: 'known', label: 'x'.repeat(200) });
  } while (answer.status === 201 && ++count < 20);
  return answer;
}
const send = (from: Api, to: Api) => from.call('POST', '/direct/send', { agent_id: to.agent, payload: base64('x'.repeat(20_000)) });
const told = ({ status, body }: Answer) => `${status} ${String(body['error'] ?? '')}`.trim();
async function tryAll() {
  return {
    health: told(await a.call('GET', '/health')),
    contact: told(await contacts()).replace(/:.*/, ''),
    send: told(await send(a, b)),
    receive: told(await send(b, a)),
    publish: told(await a.call('POST', '/publish', { topic: 't', payload: base64('x') })),
  };
}

const before = await tryAll();
const filler = join(small, 'filler');
let chunks = 0;
for (let size = 256 * 1024; size >= 1; size = Math.floor(size / 4)) {
  try {
    for (;;) writeFileSync(`${filler}${chunks++}`, new Uint8Array(size));
  } catch {
    // A smaller one may still fit.
  }
}
// What the log of the database has room for already still fits.
await eventually('nothing fits any more', async () => (await send(a, a)).status !== 200, 20_000);
const full = await tryAll();
await b.daemon[Symbol.asyncDispose]();
b = await daemons.start(join(healthy, 'b'), host);
await linked();
const started = await startError(join(small, 'fresh'));
for (let index = 0; index < chunks; index++) rmSync(`${filler}${index}`, { force: true });
const after = await tryAll();
const inboxOf = async (api: Api) => ((await api.call('GET', '/direct/inbox?limit=1000')).body['messages'] as { sender: string }[]).length;
const received = await inboxOf(b);
mkdirSync(join(small, 'unused'));
await a.daemon[Symbol.asyncDispose]();
execFileSync('sh', ['-c', 'mount -o remount,ro "$1"', 'sh', small]);
const readOnly = [await startError(small), await startError(join(small, 'unused', 'new'))];
console.log(JSON.stringify({ before, full, after, received, started, readOnly }).replaceAll(small, 'SMALL'));

async function startError(at: string): Promise<string> {
  try {
    await (await daemons.start(at, host)).daemon[Symbol.asyncDispose]();
    return 'started';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}
