import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, Demo, openSocket, talk, TOKEN, until, wire } from './fixture.port-test.ts';

const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];

describe('sockets', () => {
  let demo: Demo;
  beforeEach(async () => {
    demo = await Demo.start();
  });
  afterEach(() => demo[Symbol.asyncDispose]());

  it('begin with `connected`, then a pong, and one more every 30 s', async () => {
    const { told, untilTold, socket } = openSocket(demo);
    await untilTold('pong');
    expect(told).toEqual([{ type: 'connected', session_id: expect.stringMatching(/^[\da-f-]{36}$/) }, { type: 'pong' }]);
    demo.clock.advance(29_999);
    demo.clock.advance(1);
    await untilTold('pong', 2);
    socket.terminate();
    await until(() => demo.clock.waiting === 0);
  });

  it('open with a bearer header, ?token=, or not at all', async () => {
    const byHeader = talk(demo, wire('GET /ws', UPGRADE));
    await byHeader.until(/^HTTP\/1.1 101/);
    byHeader.socket.destroy();
    const without = talk(demo, ['GET /ws HTTP/1.1', 'Host: localhost', ...UPGRADE, '', ''].join('\r\n'));
    await without.until(/^HTTP\/1.1 401[^]*missing or invalid/);
    without.socket.destroy();
    const wrong = talk(demo, ['GET /ws?token=x HTTP/1.1', 'Host: localhost', ...UPGRADE, '', ''].join('\r\n'));
    await wrong.until(/^HTTP\/1.1 401/);
    wrong.socket.destroy();
  });

  it.each([
    ['another host name', ['GET /ws HTTP/1.1', 'Host: evil.com', `Authorization: Bearer ${TOKEN}`, ...UPGRADE, '', ''].join('\r\n'), 403],
    ['an unknown path', wire('GET /nowhere', UPGRADE), 404],
    ['a path that is no socket', wire('GET /card', UPGRADE), 200],
    ['another version', wire('GET /ws', [...UPGRADE.slice(0, 2), 'Sec-WebSocket-Version: 12', UPGRADE[3]!]), 400],
    ['no key', wire('GET /ws', UPGRADE.slice(0, 3)), 400],
    ['another protocol', wire('GET /ws', ['Connection: Upgrade', 'Upgrade: h2c', ...UPGRADE.slice(2)]), 400],
    ['another method', wire('POST /ws', [...UPGRADE, 'Content-Length: 0']), 405],
  ])('are not opened for %s', async (_title, bytes, status) => {
    const client = talk(demo, bytes);
    await client.until(new RegExp(`^HTTP/1.1 ${status} `));
    client.socket.destroy();
    expect(demo.sessions).toEqual([]);
  });

  it('give the handler the input of the query and the frames in order', async () => {
    const { say, told, untilTold, socket } = openSocket(demo, `/ws?room=kitchen&token=${TOKEN}`);
    await untilTold('pong');
    for (let n = 0; n < 200; n++) say({ type: 'shout', text: `${n}` });
    await untilTold('heard', 200);
    expect(demo.shouted).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`));
    expect(told.at(-1)).toEqual({ type: 'heard', text: '199', room: 'kitchen' });
    socket.terminate();
  });

  it('answer ping themselves', async () => {
    const { say, untilTold, socket } = openSocket(demo);
    await untilTold('pong', 1);
    say({ type: 'ping' });
    await untilTold('pong', 2);
    expect(demo.shouted).toEqual([]);
    socket.terminate();
  });

  it.each([
    ['broken JSON', '{"type":', /^invalid command: /],
    ['no object', '[]', /^invalid command: expected a JSON object/],
    ['no type', '{}', /^invalid command: type/],
    ['an unknown type', '{"type":"dance"}', /^invalid command: unknown type "dance", expected one of ping, shout, find/],
    ['a type that every object has', '{"type":"constructor"}', /^invalid command: unknown type/],
    ['a missing field', '{"type":"shout"}', /^invalid command: text: /],
    ['a field of a wrong type', '{"type":"shout","text":1}', /^invalid command: text: /],
    ['a field in a wrong format', '{"type":"find","agent_id":"xyz"}', /^invalid hex: agent_id/],
    ['what the handler refuses', '{"type":"shout","text":"refuse"}', /^agent is blocked$/],
    ['what the handler fails at', '{"type":"shout","text":"break"}', /^internal error$/],
  ])('answer %s with an error frame and stay open', async (_title, frame, message) => {
    const { say, told, untilTold, socket } = openSocket(demo);
    await untilTold('pong');
    say(frame);
    await untilTold('error');
    expect(told.at(-1)!['message']).toMatch(message);
    say({ type: 'shout', text: 'still here' });
    await untilTold('heard');
    expect(demo.failures).toHaveLength(String(message).includes('internal') ? 1 : 0);
    socket.terminate();
  });

  it('answer in order, also what cannot be read', async () => {
    const { say, told, untilTold, socket } = openSocket(demo);
    await untilTold('pong');
    for (const frame of [{ type: 'shout', text: 'a' }, 'nonsense', { type: 'shout', text: 'b' }, { type: 'find', agent_id: 'xyz' }]) say(frame);
    await untilTold('error', 2);
    expect(told.slice(2).map(({ type }) => type)).toEqual(['heard', 'error', 'heard', 'error']);
    socket.terminate();
  });

  it('refuse binary frames and stay open', async () => {
    const { socket, told, untilTold } = openSocket(demo);
    await untilTold('pong');
    socket.send(Buffer.from('{"type":"ping"}'));
    await untilTold('error');
    expect(told.at(-1)!['message']).toMatch(/^invalid command: frames are JSON text/);
    socket.terminate();
  });

  it('close with 1009 for a frame above 1 MiB, and take one of 1 MiB', async () => {
    const { say, untilTold, closed } = openSocket(demo);
    await untilTold('pong');
    say({ type: 'shout', text: 'x'.repeat(1_048_576 - 26) });
    await untilTold('heard');
    say({ type: 'shout', text: 'x'.repeat(1_048_576) });
    expect(await closed).toMatchObject({ code: 1009 });
    await until(() => demo.closedSockets === 1);
  });

  it('tell the handler once when the client leaves', async () => {
    const { socket, untilTold } = openSocket(demo);
    await untilTold('pong');
    expect(demo.surface.counts().streams).toBe(1);
    socket.terminate();
    await until(() => demo.closedSockets === 1 && demo.surface.counts().streams === 0);
    demo.sessions[0]!.send({ type: 'heard', text: 'into the void' });
    let late = 0;
    demo.sessions[0]!.onClose(() => late++);
    expect(late).toBe(1);
  });

  // 1013 is 03 F5 on the wire, before its reason.
  it('close with 1013 for a client that does not read', async () => {
    const client = talk(demo, wire('GET /ws', UPGRADE));
    await client.until(/"pong"/);
    client.socket.pause();
    const session = demo.sessions[0]!;
    const text = 'x'.repeat(16 * 1024);
    const codes: (number | undefined)[] = [];
    session.onClose((code) => codes.push(code));
    for (let n = 0; n < 3_000; n++) session.send({ type: 'heard', text });
    client.socket.resume();
    await client.until(/\u00f5slow consumer$/);
    client.socket.end();
    await until(() => demo.closedSockets === 1);
    const frames = client.received().match(/"heard"/g)!.length;
    expect(frames).toBeGreaterThanOrEqual(900);
    expect(frames).toBeLessThan(3_000);
    expect(codes).toEqual([1013]);
    client.socket.destroy();
  });

  it('are ended after 2 s when the goodbye is not read either', async () => {
    const client = talk(demo, wire('GET /ws', UPGRADE));
    await client.until(/"pong"/);
    client.socket.pause();
    for (let n = 0; n < 3_000; n++) demo.sessions[0]!.send({ type: 'heard', text: 'x'.repeat(16 * 1024) });
    demo.clock.advance(2_000);
    await until(() => demo.closedSockets === 1);
    client.socket.destroy();
  });

  it('are bounded together with streams', async () => {
    await using small = await Demo.start({ limits: { streams: 1 } });
    const first = openSocket(small);
    await first.untilTold('pong');
    const second = talk(small, wire('GET /ws', UPGRADE));
    await second.until(/^HTTP\/1.1 503[^]*too many open streams/);
    second.socket.destroy();
    first.socket.terminate();
  });

  it('close with 1011 when the handler fails, told once', async () => {
    const { closed } = openSocket(demo, `/ws?room=broken&token=${TOKEN}`);
    expect(await closed).toEqual({ code: 1011, reason: 'internal error' });
    expect(demo.failures).toMatchObject([{ failure: { capability: 'demo.socket', path: '/ws' } }]);
    await until(() => demo.surface.counts().streams === 0);
  });

  it('say 1001 when the surface stops', async () => {
    const { untilTold, closed } = openSocket(demo);
    await untilTold('pong');
    await demo.surface[Symbol.asyncDispose]();
    expect(await closed).toEqual({ code: 1001, reason: 'the node is stopping' });
  });

  it('leave plain requests alone', async () => {
    const { untilTold, socket } = openSocket(demo);
    await untilTold('pong');
    expect((await ask(demo, 'GET', '/health')).status).toBe(200);
    socket.terminate();
  });
});
