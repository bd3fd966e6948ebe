import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createKeyFile } from './engines/index.ts';
import { base64, Daemons } from './testing/daemon.ts';
import type { Api } from './testing/daemon.ts';
import { eventually } from './testing/network.ts';

let daemons = new Daemons();
afterEach(async () => {
  await daemons[Symbol.asyncDispose]();
  daemons = new Daemons();
});

const STRANGER = 'ee'.repeat(32);

/** What comes on an event stream from now on. */
async function follow(api: Api, path: string): Promise<string[]> {
  const end = new AbortController();
  daemons.stack.defer(() => end.abort());
  const response = await fetch(`http://${api.daemon.apiAddress}${path}`, { headers: { authorization: `Bearer ${api.token}` }, signal: end.signal });
  expect(response.status).toBe(200);
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) seen.push(...text.split('\n').filter(Boolean));
  };
  void read().catch(() => {});
  return seen;
}

test('a node alone says so, and two say how they are linked', async () => {
  const root = await daemons.home();
  const alone = await daemons.start(join(root, 'alone'), join(root, 'elsewhere'));
  expect((await alone.call('GET', '/network/status')).body).toMatchObject({
    local_addr: alone.daemon.bindAddress,
    external_addrs: [],
    nat_type: 'unknown',
    can_receive_direct: false,
    connected_peers: 0,
    avg_rtt_ms: 0,
  });
  expect((await alone.call('GET', '/diagnostics/connectivity')).body).toMatchObject({
    peer_id: alone.machine,
    direct_reachability_scope: 'unknown',
    mdns: { browsing: false, advertising: false, discovered_peers: 0 },
    connections: { connected_peers: 0 },
  });
  const [a, b] = await daemons.pair();
  await eventually('both measured a round trip', async () => (await a.call('GET', '/network/status')).body['avg_rtt_ms'] > 0);
  expect((await a.call('GET', '/network/status')).body).toMatchObject({ connected_peers: 1, direct_connections: 1, relayed_connections: 0 });
  const cache = (await a.call('GET', '/network/bootstrap-cache')).body;
  expect(cache).toMatchObject({ connection_count: 1, connected_peers: [expect.stringMatching(`^${b.machine}@127\\.0\\.0\\.1:`)] });
  // One of the two was dialled by the other, or both were.
  const scopes = await Promise.all([a, b].map(async (node) => (await node.call('GET', '/diagnostics/connectivity')).body));
  const told = scopes.map((body) => body['direct_reachability_scope'] as string);
  expect(told).toContain('loopback');
  expect(['loopback', 'unknown']).toEqual(expect.arrayContaining(told));
  for (const body of scopes) expect(body['can_receive_direct']).toBe(body['direct_reachability_scope'] === 'loopback');
});

test('a peer is probed, its health told, and the end of its link too', async () => {
  const [a, b] = await daemons.pair();
  const probed = await a.call('POST', `/peers/${b.machine.toUpperCase()}/probe?timeout_ms=1`);
  expect(probed.body).toMatchObject({ ok: true, rtt_ms: expect.any(Number), timeout_ms: 100 });
  expect(probed.body['rtt_us']).toBeGreaterThan(0);
  expect(await a.call('POST', `/peers/${STRANGER}/probe`)).toMatchObject({ status: 503, body: { error: 'probe failed: no link to that machine' } });
  expect(await a.call('POST', '/peers/abcd/probe')).toMatchObject({ status: 400, body: { error: 'peer_id must be 32 bytes, got 2' } });
  expect((await a.call('GET', '/peers/zz/health')).body['error']).toContain('invalid hex peer_id: zz');
  expect((await a.call('GET', `/peers/${b.machine}/health`)).body).toMatchObject({
    health: 'Connected',
    snapshot: {
      connected: true,
      generation: expect.any(Number),
      last_received_ms_ago: expect.any(Number),
      last_sent_ms_ago: expect.any(Number),
      close_reason: null,
    },
  });
  expect((await a.call('GET', `/peers/${STRANGER}/health`)).body).toMatchObject({
    health: 'Unknown',
    snapshot: { connected: false, generation: null, idle_ms: null },
  });
  await b.daemon[Symbol.asyncDispose]();
  await eventually('the link is gone', async () => (await a.call('GET', '/peers')).body['peers'].length === 0);
  expect((await a.call('GET', `/peers/${b.machine}/health`)).body).toMatchObject({
    health: 'Closed',
    snapshot: { connected: false, close_reason: expect.stringContaining('shutting down') },
  });
});

test('the life of links is streamed as it happens, nothing of before', async () => {
  const root = await daemons.home();
  const host = join(root, 'host');
  const a = await daemons.start(join(root, 'a'), host);
  const seen = await follow(a, '/peers/events');
  const b = await daemons.start(join(root, 'b'), host);
  await eventually('the link is told', () => seen.some((line) => line.includes('Established')));
  const late = await follow(a, '/peers/events');
  await b.daemon[Symbol.asyncDispose]();
  const ends = (lines: readonly string[]) => lines.some((line) => line.includes(b.machine) && line.includes('Closed { generation: '));
  await eventually('its end is told to both', () => ends(seen) && ends(late));
  expect(seen.slice(0, 2)).toEqual([
    'event: peer-lifecycle',
    expect.stringMatching(`"peer_id":"${b.machine}","event":"Established { generation: 1 }","at_ms":\\d+`),
  ]);
  expect(late.some((line) => line.includes('Established'))).toBe(false);
});

test('diagnostics count what happened', async () => {
  const [a, b] = await daemons.pair();
  const stats = async (node: Api, what: string) => (await node.call('GET', `/diagnostics/${what}`)).body['stats'] as Record<string, number>;
  const before = await stats(b, 'gossip');
  for (const topic of ['news', 'news']) await b.call('POST', '/subscribe', { topic });
  for (let count = 0; count < 3; count++) await a.call('POST', '/publish', { topic: 'news', payload: base64(`${count}`) });
  await a.call('POST', '/publish', { topic: 'unheard', payload: base64('x') });
  const grown = async (name: string) => (await stats(b, 'gossip'))[name]! - before[name]!;
  const settled = async () => (await grown('delivered_to_subscriber')) >= 6 && (await stats(b, 'gossip'))['in_flight_decode'] === 0;
  await eventually('each was delivered to both subscriptions, and nothing is under way', settled);
  const now = await stats(b, 'gossip');
  expect(now).toMatchObject({ decode_to_delivery_drops: 0, incoming_decode_failed: 0, subscriber_channel_closed: 0 });
  expect(now['incoming_total']).toBe(now['incoming_decoded']! + now['in_flight_decode']!);
  expect((await stats(a, 'gossip'))['publish_total']).toBeGreaterThanOrEqual(4);
  const gossip = (await b.call('GET', '/diagnostics/gossip')).body;
  // What nobody at b hears is not sent there once a knows.
  expect(gossip['dispatcher'].pubsub.received).toBeGreaterThanOrEqual(3);
  expect(gossip['dispatcher'].pubsub.total_elapsed_ns).toBeGreaterThan(0);
  expect(gossip['recv_pump'].per_peer[a.machine].pubsub_produced).toBe(gossip['recv_pump'].pubsub.produced_total);

  const stream = await follow(b, '/direct/events');
  await a.call('POST', '/direct/send', { agent_id: b.agent, payload: base64('dm') });
  await a.call('POST', '/direct/send', { agent_id: STRANGER, payload: base64('dm') });
  await eventually('it is on the stream', () => stream.length > 0);
  const sent = (await a.call('GET', '/diagnostics/dm')).body;
  expect(sent['stats']).toMatchObject({ outgoing_send_total: 2, outgoing_send_succeeded: 1, outgoing_send_failed: 1, outgoing_path_raw_quic: 1 });
  expect(sent['per_peer'][b.agent]).toMatchObject({
    send_succeeded: 1,
    send_failed: 0,
    recv_count: 0,
    preferred_path: 'raw_quic_acked',
    last_recv_ms_ago: null,
  });
  expect(sent['per_peer'][b.agent].last_send_ms_ago).toBeLessThan(5_000);
  expect(sent['per_peer'][STRANGER]).toMatchObject({ send_succeeded: 0, send_failed: 1, preferred_path: 'unknown', avg_rtt_ms: null });
  const got = (await b.call('GET', '/diagnostics/dm')).body;
  expect(got).toMatchObject({
    subscriber_count: 1,
    subscriber_capacity: 8192,
    stats: { incoming_envelopes_total: 1, incoming_delivered_to_subscribe: 1 },
  });
  expect(got['per_peer'][a.agent]).toMatchObject({ recv_count: 1, preferred_path: 'unknown' });
});

test('linked agents are discovered, with addresses that only this node knows', async () => {
  const [a, b] = await daemons.pair();
  const address = b.daemon.bindAddress;
  const entry = { agent_id: b.agent, machine_id: b.machine, user_id: null, addresses: [address] };
  expect((await a.call('GET', '/agents/discovered')).body['agents']).toMatchObject([entry]);
  const { agent } = (await a.call('GET', `/agents/discovered/${b.agent}`)).body;
  expect(agent).toMatchObject(entry);
  expect(agent.last_seen).toBeGreaterThanOrEqual(agent.announced_at);
  const machine = { machine_id: b.machine, addresses: [address], nat_type: null, agent_ids: [b.agent], user_ids: [] };
  expect((await a.call('GET', `/agents/${b.agent}/machine`)).body).toMatchObject({ agent_id: b.agent, machine });
  expect((await a.call('GET', '/machines/discovered')).body['machines']).toMatchObject([machine]);
  expect((await a.call('GET', `/machines/discovered/${b.machine}`)).body).toMatchObject({ machine });
  expect((await a.call('POST', `/agents/find/${b.agent}`)).body).toEqual({ ok: true, found: true, tried: ['cache'], addresses: [address] });
  expect((await a.call('GET', `/agents/reachability/${b.agent}`)).body).toMatchObject({ likely_direct: true, needs_coordination: false });
  for (const [path, error] of [
    [`/agents/discovered/${STRANGER}`, 'agent not found'],
    [`/agents/${STRANGER}/machine`, 'agent machine not found'],
    [`/agents/reachability/${STRANGER}`, 'agent not in discovery cache'],
    [`/machines/discovered/${STRANGER}`, 'machine not found'],
  ] as const)
    expect(await a.call('GET', path), path).toMatchObject({ status: 404, body: { ok: false, error } });
  expect(await a.call('GET', `/agents/discovered/${b.agent}?wait=10`)).toMatchObject({
    status: 400,
    body: { text: expect.stringContaining('wait') },
  });
  expect((await a.call('GET', '/users/ab/agents')).body['error']).toBe('invalid user_id: expected 64 hex characters');
});

test('who waits for an agent or a machine gets it once it is there', async () => {
  const root = await daemons.home();
  const host = join(root, 'host');
  const first = await daemons.start(join(root, 'b'), join(root, 'elsewhere'));
  const ids = { agent: first.agent, machine: first.machine };
  await first.daemon[Symbol.asyncDispose]();
  const a = await daemons.start(join(root, 'a'), host);
  const waiting = [a.call('GET', `/agents/discovered/${ids.agent}?wait=true`), a.call('GET', `/machines/discovered/${ids.machine}?wait=true`)];
  await daemons.start(join(root, 'b'), host);
  const [agent, machine] = await Promise.all(waiting);
  expect(agent!.body).toMatchObject({ ok: true, agent: { agent_id: ids.agent } });
  expect(machine!.body).toMatchObject({ ok: true, machine: { machine_id: ids.machine } });
});

test('agents and machines of a user are found once the user was disclosed', async () => {
  const root = await daemons.home();
  const host = join(root, 'host');
  await mkdir(join(root, 'b'), { recursive: true });
  const key = join(root, 'b', 'user.key');
  await createKeyFile(key, 'user', new Uint8Array(32).fill(7));
  const a = await daemons.start(join(root, 'a'), host);
  const b = await daemons.start(join(root, 'b'), host, `user_key_path = "${key}"\n`);
  const user = (await b.call('GET', '/agent/user-id')).body['user_id'] as string;
  await eventually('a knows b', async () => (await a.call('GET', '/agents/discovered')).body['agents'].length === 1);
  expect((await a.call('GET', `/users/${user}/agents`)).body).toMatchObject({ user_id: user, agents: [] });
  await b.call('POST', '/announce', { include_user_identity: true, human_consent: true });
  await eventually('a knows whose b is', async () => (await a.call('GET', `/users/${user}/agents`)).body['agents'].length === 1);
  expect((await a.call('GET', `/users/${user}/agents`)).body['agents']).toMatchObject([{ agent_id: b.agent, user_id: user }]);
  expect((await a.call('GET', `/users/${user}/machines`)).body['machines']).toMatchObject([{ machine_id: b.machine, user_ids: [user] }]);
});

test('a card alone discovers nobody, and what a blocked agent says refreshes nothing', async () => {
  const root = await daemons.home();
  const [b, c] = [await daemons.start(join(root, 'b'), join(root, 'one')), await daemons.start(join(root, 'c'), join(root, 'other'))];
  const { link } = (await c.call('GET', '/agent/card')).body;
  expect((await b.call('POST', '/agent/card/import', { card: link })).status).toBe(200);
  expect((await b.call('GET', '/agents/discovered?unfiltered=true')).body['agents']).toEqual([]);
  expect((await b.call('POST', '/contacts/trust', { agent_id: c.agent, level: 'blocked' })).status).toBe(200);
  const d = await daemons.start(join(root, 'd'), join(root, 'other'), `bootstrap_peers = ["${b.daemon.bindAddress}"]\n`);
  await eventually('b knows d', async () => (await b.call('GET', '/agents/discovered')).body['agents'].length === 1);
  await c.call('POST', '/announce', {});
  await d.call('POST', '/announce', {});
  await eventually('b refused the blocked one', async () =>
    /gossip_rejected_total\{reason="sender_blocked"\} [1-9]/.test((await b.call('GET', '/metrics')).body['text']),
  );
  expect((await b.call('GET', '/agents/discovered?unfiltered=true')).body['agents']).toMatchObject([{ agent_id: d.agent }]);
});
