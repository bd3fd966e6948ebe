import { expect, test } from 'vitest';
import { fakeDaemon } from '../testing/fake-daemon.ts';
import { startLocalWorld } from '../world/local-process.ts';
import { remoteTarget, TargetAddressError } from './remote-target.ts';

const reached = (...nodes: Parameters<typeof remoteTarget>[0]) => remoteTarget(nodes).reach!();

test('nodes that answer and take their tokens are reached', async () => {
  await using world = await startLocalWorld({ command: fakeDaemon(), nodes: ['anna', 'ben'] });
  await expect(reached(...world.nodes.map(({ address, token }) => ({ url: `http://${address}`, token })))).resolves.toBeUndefined();
});

test('a wrong token, a node given twice and a place where nobody listens are named', async () => {
  await using world = await startLocalWorld({ command: fakeDaemon(), nodes: ['anna'] });
  const anna = world.node('anna');
  const url = `http://${anna.address}`;
  const wrong = reached({ url, token: 'x'.repeat(64) });
  await expect(wrong).rejects.toThrow(`${url}: the node does not take the token; give its own with --token-file`);
  await expect(wrong).rejects.toBeInstanceOf(TargetAddressError);
  const alias = url.replace('127.0.0.1', 'localhost');
  await expect(reached({ url, token: anna.token }, { url: alias, token: anna.token })).rejects.toThrow(`${url} and ${alias} are the same agent`);
  await anna.kill();
  const gone = reached({ url, token: anna.token });
  await expect(gone).rejects.toThrow(`${url}: no node can be reached there (nobody listens there)`);
  await expect(gone).rejects.toBeInstanceOf(TargetAddressError);
});
