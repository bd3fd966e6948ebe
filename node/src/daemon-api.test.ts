import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex, utf8Bytes } from '@muster/protocol';
import type { NetworkId } from '@muster/protocol';
import { afterEach, expect, test } from 'vitest';
import { clock, crypto, eventually, startNode } from './testing/network.ts';
import { base64, Daemons } from './testing/daemon.ts';
import type { Answer, Api } from './testing/daemon.ts';

let daemons = new Daemons();
afterEach(async () => {
  await daemons[Symbol.asyncDispose]();
  daemons = new Daemons();
});

async function alone(): Promise<Api> {
  const root = await daemons.home();
  return daemons.start(root, join(root, 'host'));
}

/** Collects the data of a stream's events until the test ends. */
async function events(api: Api, path: string): Promise<Answer['body'][]> {
  const stop = new AbortController();
  daemons.stack.defer(() => stop.abort());
  const response = await fetch(`http://${api.daemon.apiAddress}${path}`, { headers: { authorization: `Bearer ${api.token}` }, signal: stop.signal });
  const got: Answer['body'][] = [];
  const read = async (): Promise<void> => {
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) got.push(JSON.parse(data));
      }
    }
  };
  read().catch(() => {});
  return got;
}

const agent = 'ab'.repeat(32);
const machine = 'cd'.repeat(32);

test('a contact’s life: added, changed, pinned, revoked, forgotten', async () => {
  const api = await alone();
  const decision = async (on = machine) => (await api.call('POST', '/trust/evaluate', { agent_id: agent, machine_id: on })).body['decision'];
  expect(await decision()).toBe('Unknown');
  expect(await api.call('POST', '/contacts', { agent_id: agent })).toMatchObject({ status: 201, body: { ok: true, agent_id: agent } });
  expect(await decision()).toBe('AcceptWithFlag');
  expect((await api.call('PATCH', `/contacts/${agent}`, { trust_level: 'Trusted' })).status).toBe(200);
  expect(await decision()).toBe('Accept');

  const at = `/contacts/${agent}/machines`;
  expect(await api.call('POST', at, { machine_id: machine, label: 'desk' })).toMatchObject({ status: 201, body: { machine: { pinned: false } } });
  expect((await api.call('POST', at, { machine_id: machine })).status).toBe(200);
  expect((await api.call('POST', `${at}/${machine}/pin`)).body).toMatchObject({ pinned: true });
  expect([await decision(), await decision('ee'.repeat(32))]).toEqual(['Accept', 'RejectMachineMismatch']);
  expect((await api.call('GET', at)).body['machines']).toMatchObject([{ machine_id: machine, label: 'desk', pinned: true }]);
  expect((await api.call('DELETE', `${at}/${machine}/pin`)).body).toMatchObject({ unpinned: true });
  expect((await api.call('DELETE', `${at}/${machine}/pin`)).body).toMatchObject({ unpinned: false });
  expect((await api.call('DELETE', `${at}/${machine}`)).status).toBe(204);
  expect((await api.call('DELETE', `${at}/${machine}`)).status).toBe(404);
  expect((await api.call('PATCH', `/contacts/${agent}`, { identity_type: 'pinned' })).status).toBe(200);
  expect(await decision()).toBe('RejectMachineMismatch');

  expect((await api.call('POST', `/contacts/${agent}/revoke`, { reason: 'stolen' })).status).toBe(200);
  expect((await api.call('DELETE', `/contacts/${agent}`)).status).toBe(200);
  expect((await api.call('DELETE', `/contacts/${agent}`)).status).toBe(404);
  expect((await api.call('POST', '/contacts/trust', { agent_id: agent, level: 'trusted' })).status).toBe(200);
  expect(await decision()).toBe('RejectBlocked');
  expect((await api.call('POST', '/direct/send', { agent_id: agent, payload: base64('x') })).body).toMatchObject({ error: 'agent is blocked' });
});

test('what is published arrives on the event streams of those who subscribed, until they unsubscribe', async () => {
  const [a, b] = await daemons.pair();
  await a.call('POST', '/contacts', { agent_id: b.agent, trust_level: 'trusted' });
  const subscription = (await a.call('POST', '/subscribe', { topic: 'news' })).body['subscription_id'] as string;
  const got = await events(a, '/events');
  await b.call('POST', '/publish', { topic: 'news', payload: base64('one') });
  await eventually('it arrived', () => got.length === 1);
  expect(got[0]).toEqual({
    type: 'message',
    data: { subscription_id: subscription, topic: 'news', payload: base64('one'), sender: b.agent, verified: true, trust_level: 'trusted' },
  });
  expect((await a.call('DELETE', `/subscribe/${subscription}`)).status).toBe(200);
  expect((await a.call('DELETE', `/subscribe/${subscription}`)).status).toBe(404);
  const other = (await a.call('POST', '/subscribe', { topic: 'end' })).body['subscription_id'] as string;
  for (const topic of ['news', 'end']) await b.call('POST', '/publish', { topic, payload: base64('two') });
  await eventually('the last one arrived', () => got.length === 2);
  expect(got[1]!['data']).toMatchObject({ subscription_id: other, topic: 'end' });
  const metrics = (await a.call('GET', '/metrics')).body['text'] as string;
  expect(metrics).toMatch(/^muster_gossip_no_subscriber_total [1-9]/m);
  expect(metrics.match(/# TYPE muster_gossip_messages counter/g)).toHaveLength(1);
});

test('direct messages arrive on their stream once they are committed', async () => {
  const [a, b] = await daemons.pair();
  const got = await events(b, '/direct/events');
  const sent = (await a.call('POST', '/direct/send', { agent_id: b.agent, payload: base64('hello'), logical_id: 'one' })).body;
  await eventually('it arrived', () => got.length === 1);
  const { messages, next } = (await b.call('GET', '/direct/inbox')).body;
  expect(messages).toMatchObject([{ ...got[0], request_id: sent['request_id'], logical_id: 'one' }]);
  expect((await b.call('GET', `/direct/inbox?after=${next}`)).body).toMatchObject({ messages: [], next: null });
});

test('a peer known by its card is dialled again when there is a message for it', async () => {
  const root = await daemons.home();
  // Two hosts, as far as these two know.
  const a = await daemons.start(join(root, 'a'), join(root, 'host-a'));
  const b = await daemons.start(join(root, 'b'), join(root, 'host-b'));
  const card = JSON.parse(
    Buffer.from((await b.call('GET', '/agent/card')).body['link'].slice('x0x://agent/'.length), 'base64url').toString(),
  ) as object;
  const unsigned = { ...card, addresses: [b.daemon.bindAddress], signature: undefined, agent_public_key: undefined };
  const link = `x0x://agent/${Buffer.from(JSON.stringify(unsigned)).toString('base64url')}`;
  expect((await a.call('POST', '/agent/card/import', { card: link })).status).toBe(200);
  expect((await a.call('POST', '/direct/send', { agent_id: b.agent, payload: base64('x') })).body).toMatchObject({ path: 'raw_quic_acked' });
  // A hint that names another machine changes nothing for an agent that has proven its own.
  const lie = { ...unsigned, machine_id: machine, addresses: ['127.0.0.1:1'] };
  await a.call('POST', '/agent/card/import', { card: `x0x://agent/${Buffer.from(JSON.stringify(lie)).toString('base64url')}` });
  expect((await a.call('POST', '/machines/connect', { machine_id: machine })).body).toMatchObject({ outcome: 'NotFound' });
  expect((await a.call('POST', '/machines/connect', { machine_id: b.machine })).body).toMatchObject({ outcome: 'AlreadyConnected' });
});

test('an agent that cannot be reached is told apart from one that is not known', async () => {
  const api = await alone();
  const root = await daemons.home();
  const gone = await daemons.start(join(root, 'b'), join(root, 'host-b'));
  const card = JSON.parse(
    Buffer.from((await gone.call('GET', '/agent/card')).body['link'].slice('x0x://agent/'.length), 'base64url').toString(),
  ) as object;
  await gone.daemon[Symbol.asyncDispose]();
  const unsigned = { ...card, addresses: [gone.daemon.bindAddress], signature: undefined, agent_public_key: undefined };
  await api.call('POST', '/agent/card/import', { card: Buffer.from(JSON.stringify(unsigned)).toString('base64url') });
  expect((await api.call('POST', '/agents/connect', { agent_id: gone.agent })).body).toMatchObject({ outcome: 'Unreachable', addr: null });
  expect(await api.call('POST', '/direct/send', { agent_id: gone.agent, payload: base64('x') })).toMatchObject({
    status: 503,
    body: { error: 'no_connectivity' },
  });
});

test('a daemon ends within 2 s, also with a call under way to a peer that does not answer', async () => {
  const a = await alone();
  const network = toHex(crypto.sha256(utf8Bytes('test'))) as NetworkId;
  await using b = await startNode({ network, bootstrapPeers: [a.daemon.bindAddress] });
  await eventually('they are linked', async () => (await a.call('GET', '/peers')).body['peers'].length === 1);
  // The peer's process lives, and reads nothing: neither its acknowledgement nor its goodbye will come.
  b.node.services.links.all()[0]!.wire.channel.pause();
  const stuck = a.call('POST', '/direct/send', { agent_id: b.identity.agentId, payload: base64('x') }).catch(() => undefined);
  await eventually('it is under way', async () => (await a.call('GET', '/metrics')).body['text'].includes('dm_outgoing_handed_over_total 1'));
  const start = clock.monotonic();
  await a.call('POST', '/shutdown');
  await a.daemon.closed;
  expect(clock.monotonic() - start).toBeLessThan(2_000);
  await stuck;
});

test('what cannot be started is said in one line that names the file or address and what to do', async () => {
  const root = await daemons.home();
  const fails = (toml: string) =>
    daemons.start(join(root, 'x'), join(root, 'host'), toml).then(
      () => 'started',
      (error: Error) => `${error.name}: ${error.message}`,
    );
  const first = await daemons.start(join(root, 'a'), join(root, 'host'));
  await writeFile(join(root, 'file'), 'x');
  const charter = join(root, 'none.md');
  expect(await fails(`charter_path = "${charter}"`)).toMatch(
    /^StartError: \/.*none\.md: cannot read the charter \(ENOENT.*\); correct charter_path$/,
  );
  expect(await fails(`user_key_path = "${join(root, 'none.key')}"`)).toMatch(/^StartError: .*none\.key/);
  expect(await fails(`data_dir = "${join(root, 'file', 'below')}"`)).toMatch(
    /^StartError: .*below: cannot make the directory \(ENOTDIR.*set data_dir$/,
  );
  expect((await first.call('GET', '/health')).status).toBe(200);
});
