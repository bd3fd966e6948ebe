import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Failure } from '../failure.ts';
import { OwnHome, until } from '../testing/own-home.ts';
import { connect, find } from './find.ts';

const NOBODY = 'ab'.repeat(32);

describe('with two daemons', () => {
  let home: OwnHome;
  let bob: { agent_id: string; identity_words: string };
  let alice: { address: string; token: string };
  const place = async (name: string) => {
    const [address, token] = await Promise.all(['api.port', 'api-token'].map((file) => readFile(join(home.dataDir(name), file), 'utf8')));
    return { address: `http://${address!.trim()}`, token: token!.trim() };
  };
  const rest = async (name: string, path: string) => {
    const { address, token } = await place(name);
    return (await fetch(`${address}${path}`, { headers: { authorization: `Bearer ${token}` } })).json() as Promise<Record<string, any>>; // oxlint-disable-line no-explicit-any -- answers are looked into by the tests
  };

  /** What the command prints at alice's, and how it ends. */
  async function run(command: typeof find, typed: readonly string[], json = false) {
    const printed: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => (printed.push(String(text)), true));
    vi.stubEnv('X0X_API_TOKEN', alice.token);
    onTestFinished(() => void vi.unstubAllEnvs());
    try {
      const code = await command({ typed, json, name: undefined, api: alice.address });
      return { code, lines: printed.join('').split('\n').slice(0, -1) };
    } finally {
      write.mockRestore();
    }
  }
  const json = async (command: typeof find, ...typed: string[]) => JSON.parse((await run(command, typed, true)).lines.join('\n')) as unknown;

  beforeAll(async () => {
    home = await OwnHome.create();
    await Promise.all(['alice', 'bob'].map((name) => home.configure(name)));
    await Promise.all(['alice', 'bob'].map((name) => home.muster('start', '--name', name)));
    alice = await place('alice');
    bob = (await rest('bob', '/introduction')) as typeof bob;
    await until(async () => (await rest('alice', '/agents/discovered'))['agents'].length === 1, 'alice knows bob');
  });
  afterAll(() => home[Symbol.asyncDispose]());

  it('finds an agent by its words in any writing, and says where it was found', async () => {
    const words = bob.identity_words.split(' ');
    const at = expect.stringMatching(/^cache {7}found, at 127\.0\.0\.1:\d+ {2}\(what this daemon knows\)$/) as string;
    const found = { code: 0, lines: [`${bob.identity_words}  ${bob.agent_id}  unknown`, at] };
    expect(await run(find, words.map((word) => word.toUpperCase()))).toEqual(found); // prettier-ignore
    const { code, stdout } = await home.muster('--name', 'alice', 'find', words.join('-'));
    expect({ code, lines: stdout.split('\n').slice(0, -1) }).toEqual(found);
    expect(await json(find, ...words)).toEqual(await json(find, bob.agent_id));
  });

  it('connects, or says that it is', async () => {
    const { code, lines } = await run(connect, [bob.identity_words]);
    expect([code, lines.at(-1)]).toEqual([0, expect.stringMatching(/^connected already, at 127\.0\.0\.1:\d+$/)]);
    expect(await json(connect, bob.agent_id)).toMatchObject({
      ok: true,
      agent_id: bob.agent_id,
      words: bob.identity_words,
      found: true,
      tried: ['cache'],
      connected: true,
      outcome: 'AlreadyConnected',
    });
  });

  it.each([
    [['one', 'two', 'three'], /expected an agent id \(64 hex characters\), or the four words/],
    [[`${NOBODY}ff`], /expected an agent id/],
    [['abandon', 'abandon', 'abandon', 'abandon'], /no agent that this daemon knows has the words "abandon abandon abandon abandon"/],
  ])('refuses %j', async (typed, message) => {
    const refusal = run(find, typed);
    await expect(refusal).rejects.toThrow(Failure);
    await expect(refusal).rejects.toThrow(message);
  });

  it('knows who it is itself', async () => {
    const { agent_id } = await rest('alice', '/agent');
    const { code, lines } = await run(find, [agent_id]);
    expect([code, lines[0]]).toEqual([0, expect.stringMatching(/ {2}this agent itself$/)]);
    for (const json of [false, true]) await expect(run(connect, [agent_id], json)).rejects.toThrow('this is the agent of this daemon itself');
  });

  it('says plainly what was tried in vain', async () => {
    await home.muster('stop', '--name', 'bob');
    await until(async () => (await rest('alice', '/peers'))['peers'].length === 0, 'bob is gone');
    const dialled = await run(connect, [bob.agent_id]);
    expect([dialled.code, dialled.lines.at(-1)]).toEqual([1, expect.stringMatching(/^not connected: nobody answered at 127\.0\.0\.1:\d+$/)]);
    const { code, lines } = await run(connect, [NOBODY]);
    expect({ code, lines: lines.slice(1) }).toEqual({
      code: 1,
      lines: [
        'cache       not there  (what this daemon knows)',
        'not found: there is no link to ask anybody over',
        'not connected: no address to dial is known',
      ],
    });
    expect(await home.muster('--name', 'bob', 'find', NOBODY)).toMatchObject({ code: 2 });
  });
});
