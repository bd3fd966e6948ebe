import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeyFile } from './engines/index.ts';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { readConfig } from './config.ts';
import { runDaemon } from './daemon.ts';
import { Api, base64, Daemons, quiet } from './testing/daemon.ts';
import { eventually } from './testing/network.ts';

let daemons = new Daemons();
afterEach(async () => {
  await daemons[Symbol.asyncDispose]();
  daemons = new Daemons();
});
const home = () => daemons.home();
const start = (at: string, host: string, toml?: string) => daemons.start(at, host, toml);
const pair = () => daemons.pair();

test('files are private, the port file names the API and goes with it', async () => {
  const root = await home();
  const api = await start(root, join(root, 'host'));
  const data = join(root, 'data');
  expect(await readFile(join(data, 'api.port'), 'utf8')).toBe(api.daemon.apiAddress);
  for (const file of [join(data, 'api-token'), join(data, 'node.sqlite'), join(root, 'id', 'agent.key'), join(root, 'id', 'machine.key')]) {
    expect((await stat(file)).mode & 0o777, file).toBe(0o600);
  }
  expect((await api.call('POST', '/shutdown')).body).toEqual({ ok: true, message: 'shutting down' });
  await api.daemon.closed;
  await expect(stat(join(data, 'api.port'))).rejects.toThrow('ENOENT');
});

test('identity, token and state are the same after a restart', async () => {
  const root = await home();
  const first = await start(root, join(root, 'host'));
  const other = 'ab'.repeat(32);
  expect((await first.call('POST', '/contacts', { agent_id: other, trust_level: 'Trusted', label: 'Bob' })).status).toBe(201);
  expect((await first.call('POST', `/contacts/${'cd'.repeat(32)}/revoke`, { reason: 'stolen' })).status).toBe(200);
  expect((await first.call('POST', '/direct/send', { agent_id: first.agent, payload: base64('note') })).body).toMatchObject({
    ok: true,
    path: 'loopback',
  });
  await first.daemon[Symbol.asyncDispose]();
  const again = await start(root, join(root, 'host'));
  expect([again.agent, again.machine, again.token]).toEqual([first.agent, first.machine, first.token]);
  expect((await again.call('GET', '/contacts')).body['contacts']).toMatchObject([
    { agent_id: other, trust_level: 'trusted', label: 'Bob' },
    { trust_level: 'blocked' },
  ]);
  expect((await again.call('GET', `/contacts/${other}/revocations`)).body['revocations']).toMatchObject([{ reason: 'stolen' }]);
  expect((await again.call('GET', '/direct/inbox')).body['messages']).toMatchObject([{ payload: base64('note') }]);
});

test('a second daemon on the same data is refused by the pid of the first; nothing is lost', async () => {
  const root = await home();
  const first = await start(root, join(root, 'host'));
  await expect(start(root, join(root, 'host'))).rejects.toThrow(`in use by a running daemon (pid ${process.pid})`);
  expect((await first.call('GET', '/health')).status).toBe(200);
});

test('a taken API port is named, and nothing stays behind', async () => {
  const root = await home();
  const first = await start(join(root, 'a'), join(root, 'host'));
  const config = readConfig(`bind_address = "127.0.0.1:0"\napi_address = "${first.daemon.apiAddress}"`, 'c', {
    home: root,
    dataDir: join(root, 'b'),
    identityDir: join(root, 'bi'),
    hostDirectory: join(root, 'host'),
  });
  await expect(runDaemon({ config, log: quiet })).rejects.toThrow(`cannot listen on ${first.daemon.apiAddress} for the API: the port is taken`);
  await expect(stat(join(root, 'b', 'api.port'))).rejects.toThrow('ENOENT');
  // The data directory is free again.
  await (await start(join(root, 'b', '..', 'b2'), join(root, 'host'))).daemon[Symbol.asyncDispose]();
});

test('a damaged key stops the start and stays as it is', async () => {
  const root = await home();
  await (await start(root, join(root, 'host'))).daemon[Symbol.asyncDispose]();
  const key = join(root, 'id', 'agent.key');
  await writeFile(key, 'damaged');
  await expect(start(root, join(root, 'host'))).rejects.toThrow(key);
  expect(await readFile(key, 'utf8')).toBe('damaged');
});

test('nodes of one network on one host find each other within 2 s; those of another never', async () => {
  const root = await home();
  const host = join(root, 'host');
  const stranger = await start(join(root, 'c'), host);
  await stranger.daemon[Symbol.asyncDispose]();
  const a = await start(join(root, 'a'), host);
  const config = readConfig('bind_address = "127.0.0.1:0"\napi_address = "127.0.0.1:0"\nnetwork_id = "other"', 'c', {
    home: root,
    dataDir: join(root, 'x'),
    identityDir: join(root, 'xi'),
    hostDirectory: host,
  });
  const foreign = daemons.stack.use(await runDaemon({ config, log: quiet }));
  const b = await start(join(root, 'b'), host);
  await eventually('a and b are linked', async () => (await a.call('GET', '/peers')).body['peers'].length === 1, 2_000);
  expect((await a.call('GET', '/peers')).body['peers']).toEqual([{ id: b.machine }]);
  const token = (await readFile(join(root, 'x', 'api-token'), 'utf8')).trim();
  expect((await new Api(foreign, token).call('GET', '/peers')).body['peers']).toEqual([]);
});

test('cards introduce, announcements are remembered, introductions say what trust allows', async () => {
  const [a, b] = await pair();
  const { body } = await a.call('GET', '/agent/card?display_name=Alice');
  expect(body['card']).toMatchObject({ agent_id: a.agent, display_name: 'Alice', addresses: [] });
  expect((await b.call('POST', '/agent/card/import', { card: body['link'], trust_level: 'trusted' })).body).toMatchObject({
    agent_id: a.agent,
    trust_level: 'Trusted',
    groups: 0,
  });
  expect((await b.call('GET', '/contacts')).body['contacts']).toContainEqual(
    expect.objectContaining({ agent_id: a.agent, label: 'Alice', trust_level: 'trusted' }),
  );
  const tampered = `${body['link'].slice(0, -8)}AAAAAAAA`;
  expect(await b.call('POST', '/agent/card/import', { card: tampered })).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining('invalid card') },
  });

  expect((await a.call('POST', '/announce', {})).body).toEqual({ ok: true, include_user_identity: false });
  await eventually('b keeps a’s machine', async () =>
    (await b.call('GET', `/contacts/${a.agent}/machines`)).body['machines'].some(
      ({ machine_id }: { machine_id: string }) => machine_id === a.machine,
    ),
  );
  expect((await a.call('POST', '/announce', { include_user_identity: true })).body['error']).toContain('human_consent');
  expect((await a.call('POST', '/announce', { include_user_identity: true, human_consent: true })).body['error']).toContain('user_key_path');

  const stranger = (await a.call('GET', `/introduction?peer=${'ee'.repeat(32)}`)).body;
  expect(Object.keys(stranger).toSorted()).toEqual(['agent_id', 'display_name', 'identity_words', 'ok', 'services']);
  expect((await a.call('GET', '/introduction')).body).toMatchObject({ machine_id: a.machine, signature: expect.stringMatching(/^[0-9a-f]{16}$/) });
  await a.call('POST', '/contacts/trust', { agent_id: b.agent, level: 'blocked' });
  expect(await a.call('GET', `/introduction?peer=${b.agent}`)).toMatchObject({ status: 403, body: { error: 'blocked' } });
});

test('a user key gives a certificate, disclosed only with consent', async () => {
  const root = await home();
  await mkdir(join(root, 'a'), { recursive: true });
  const key = join(root, 'a', 'user.key');
  await createKeyFile(key, 'user', new Uint8Array(32).fill(7));
  const api = await start(join(root, 'a'), join(root, 'host'), `user_key_path = "${key}"\n`);
  const { user_id } = (await api.call('GET', '/agent')).body;
  expect(user_id).toMatch(/^[0-9a-f]{64}$/);
  expect((await api.call('GET', '/agent/user-id')).body).toEqual({ ok: true, user_id });
  expect(await api.call('POST', '/announce', { include_user_identity: true })).toMatchObject({
    status: 400,
    body: { ok: false, error: expect.stringContaining('human_consent: true') },
  });
  // Consent alone discloses nothing.
  for (const input of [{}, { human_consent: true }])
    expect((await api.call('POST', '/announce', input)).body).toEqual({ ok: true, include_user_identity: false });
  expect((await api.call('POST', '/announce', { include_user_identity: true, human_consent: true })).body).toEqual({
    ok: true,
    include_user_identity: true,
  });
  expect((await api.call('GET', '/introduction')).body).toMatchObject({
    user_id,
    certificate: '(present)',
    identity_words: expect.stringContaining(' @ '),
  });
});

test('connect, connections and the liveness probe tell the truth', async () => {
  const [a, b] = await pair();
  expect((await a.call('POST', '/agents/connect', { agent_id: b.agent })).body).toMatchObject({ outcome: 'AlreadyConnected' });
  expect((await a.call('POST', '/machines/connect', { machine_id: b.machine })).body).toMatchObject({ outcome: 'AlreadyConnected' });
  expect((await a.call('POST', '/agents/connect', { agent_id: 'ee'.repeat(32) })).body).toMatchObject({ outcome: 'NotFound', addr: null });
  expect((await a.call('GET', '/direct/connections')).body['connections']).toEqual([{ agent_id: b.agent, machine_id: b.machine }]);
  const sent = await a.call('POST', '/direct/send', { agent_id: b.agent, payload: base64('x'), require_ack_ms: 1 });
  expect(sent.body).toMatchObject({ path: 'raw_quic_acked', require_ack: { ok: true, rtt_ms: expect.any(Number) } });
  expect((await a.call('GET', '/status')).body).toMatchObject({ status: 'connected', peers: 1, warnings: [] });
});

test('a socket subscribes, publishes, sends, and is listed', async () => {
  const [a, b] = await pair();
  const socket = new WebSocket(`ws://${a.daemon.apiAddress}/ws/direct?token=${a.token}`);
  daemons.stack.defer(() => socket.terminate());
  const frames: Record<string, unknown>[] = [];
  socket.on('message', (data) => frames.push(JSON.parse(String(data)) as Record<string, unknown>));
  const frame = async (type: string): Promise<Record<string, unknown>> => {
    await eventually(`a frame ${type}`, () => frames.some((candidate) => candidate['type'] === type));
    return frames.find((candidate) => candidate['type'] === type)!;
  };
  expect((await frame('connected'))['agent_id']).toBe(a.agent);
  socket.send(JSON.stringify({ type: 'subscribe', topics: ['news'] }));
  await frame('subscribed');
  expect((await a.call('GET', '/ws/sessions')).body).toMatchObject({
    sessions: [{ subscribed_topics: ['news'], receives_direct: true }],
    shared_subscriptions: { news: 1 },
  });
  await b.call('POST', '/publish', { topic: 'news', payload: base64('hi') });
  expect(await frame('message')).toMatchObject({ topic: 'news', payload: base64('hi'), origin: b.agent });
  await b.call('POST', '/direct/send', { agent_id: a.agent, payload: base64('dm') });
  expect(await frame('direct_message')).toMatchObject({ sender: b.agent, payload: base64('dm'), verified: true });
  socket.send(JSON.stringify({ type: 'send_direct', agent_id: b.agent, payload: base64('back') }));
  await eventually('it arrived', async () => (await b.call('GET', '/direct/inbox')).body['messages'].length === 1);
  socket.send(JSON.stringify({ type: 'unsubscribe', topics: ['news'] }));
  await frame('unsubscribed');
  const topicsOf = async () => (await a.call('GET', '/ws/sessions')).body['sessions'][0]['subscribed_topics'] as string[];
  expect(await topicsOf()).toEqual([]);
  socket.send(JSON.stringify({ type: 'publish', topic: 'news', payload: '!' }));
  expect(await frame('error')).toMatchObject({ message: 'invalid base64 in payload' });
  const many = Array.from({ length: 64 }, (_, i) => `topic ${i}`);
  for (const topics of [many, ['topic 0', 'topic 0'], ['one too many']]) socket.send(JSON.stringify({ type: 'subscribe', topics }));
  await eventually('the last one is refused', () => frames.some(({ message }) => message === 'too many topics: at most 64 per socket'));
  expect(frames.filter(({ type }) => type === 'error')).toHaveLength(2);
  expect(await topicsOf()).toEqual(many);
  await a.call('POST', '/contacts', { agent_id: b.agent, trust_level: 'blocked' });
  socket.send(JSON.stringify({ type: 'send_direct', agent_id: b.agent, payload: base64('no') }));
  await eventually('a blocked agent is sent nothing', () => frames.some(({ message }) => message === 'agent is blocked'));
  socket.close();
  await eventually('the session is gone', async () => (await a.call('GET', '/ws/sessions')).body['sessions'].length === 0);
});

test('signatures are checked across nodes, for their purpose only', async () => {
  const [a, b] = await pair();
  const signed = (await a.call('POST', '/agent/sign', { payload_b64: base64('deed'), context: 'test.v1' })).body;
  const verify = async (change: object) =>
    (
      await b.call('POST', '/agent/verify', {
        payload_b64: base64('deed'),
        signature_b64: signed['signature_b64'],
        agent_id: a.agent,
        context: 'test.v1',
        ...change,
      })
    ).body;
  expect(await verify({})).toMatchObject({ valid: true, agent_id: a.agent, reason: null });
  expect(await verify({ context: 'other.v1' })).toMatchObject({ valid: false });
  expect(await verify({ payload_b64: base64('other') })).toMatchObject({ valid: false });
  expect((await b.call('POST', '/agent/verify', { payload_b64: '', signature_b64: '', agent_id: 'ee'.repeat(32) })).status).toBe(404);
  expect((await a.call('POST', '/agent/sign', { payload_b64: base64('x'), context: 'muster-envelope-v1' })).status).toBe(400);
});

test('a charter of one’s own replaces the built-in one', async () => {
  const root = await home();
  const path = join(root, 'charter.md');
  await writeFile(path, '# Ours\n');
  const api = await start(join(root, 'a'), join(root, 'host'), `charter_path = "${path}"\n`);
  expect((await api.call('GET', '/charter')).body).toEqual({ text: '# Ours\n' });
  expect((await api.call('GET', '/constitution/json')).body).toMatchObject({ version: 'custom', content: '# Ours\n' });
  expect((await api.call('GET', '/openapi.json')).body).toMatchObject({ openapi: '3.1.0' });
  expect((await api.call('GET', '/metrics')).body['text']).toMatch(/# EOF\n$/);
});
