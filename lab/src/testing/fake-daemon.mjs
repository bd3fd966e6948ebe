// The least that the lab takes for a daemon: flags, config, `api.port`, `api-token`, `GET /health`. For the lab's own tests.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const args = process.argv.slice(2);
const option = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const config = readFileSync(option('--config'), 'utf8');
const dataDir = JSON.parse(/^data_dir = (.*)$/m.exec(config)[1]);
const behaviour = process.env.FAKE_DAEMON ?? '';

process.stdout.write(`fake daemon ${option('--name')} ${args.join(' ')}\n`);
if (behaviour === 'refuse') {
  process.stderr.write('fake daemon: cannot start today\n');
  process.exit(3);
}
if (behaviour === 'children') {
  // One child stays in the group, one leaves it.
  const idle = ['-e', 'setInterval(() => {}, 1000)'];
  const pids = [spawn(process.execPath, idle, { stdio: 'ignore' }), spawn(process.execPath, idle, { stdio: 'ignore', detached: true })].map(
    (c) => c.pid,
  );
  writeFileSync(join(dataDir, 'children'), pids.join(' '));
}

mkdirSync(join(process.env.HOME, '.fake'), { recursive: true });
const identity = join(process.env.HOME, '.fake', 'identity');
if (!existsSync(identity)) writeFileSync(identity, randomBytes(32).toString('hex'), { mode: 0o600 });
const tokenFile = join(dataDir, 'api-token');
if (!existsSync(tokenFile)) writeFileSync(tokenFile, randomBytes(32).toString('hex'), { mode: 0o600 });
const token = readFileSync(tokenFile, 'utf8');
if (behaviour === 'blabs') {
  process.stderr.write(`the token is ${token}\n`);
  process.exit(3);
}
if (behaviour === 'tells-on') {
  const itsToken = tokenFile.replace(`/${option('--name')}/`, '/bob/');
  while (!existsSync(itsToken) || readFileSync(itsToken, 'utf8').length < 64) await new Promise((resolve) => setTimeout(resolve, 5));
  process.stdout.write(`${'x'.repeat(280)}${readFileSync(itsToken, 'utf8')}\n`);
}
if (behaviour === 'chatters') process.stdout.write('still starting\n'.repeat(200));
const agent_id = readFileSync(identity, 'utf8');

const started = Date.now();
const routes = {
  'GET /health': () => ({ status: 'healthy', version: 'fake', peers: 0, uptime_secs: (Date.now() - started) / 1000 }),
  'GET /agent': () => ({ agent_id, machine_id: agent_id, user_id: null, kem_public_key_b64: '' }),
  'POST /shutdown': () => {
    setImmediate(end);
    return { message: 'shutting down' };
  },
};
const server = createServer((request, response) => {
  const route = routes[`${request.method} ${request.url}`];
  request.resume();
  if (behaviour === 'tells' && request.url === '/health') process.stdout.write(`${'x'.repeat(280)}${token}\n`);
  if (request.url !== '/health' && request.headers.authorization !== `Bearer ${token}`) {
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end('{"error":"missing or invalid Authorization: Bearer token"}');
    return;
  }
  const lenient = behaviour === 'says-yes' ? () => ({}) : undefined;
  const answer = route ?? lenient;
  response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
  response.end(answer ? JSON.stringify({ ok: true, ...answer() }) : '');
});
const portFile = join(dataDir, 'api.port');
const end = () => {
  rmSync(portFile, { force: true });
  process.exit(0);
};
if (behaviour === 'stubborn') process.on('SIGTERM', () => {});
else process.on('SIGTERM', end);
server.listen(0, '127.0.0.1', () => writeFileSync(portFile, `127.0.0.1:${server.address().port}`));
