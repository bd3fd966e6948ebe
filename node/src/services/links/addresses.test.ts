import type { MachineId } from '@muster/protocol';
import { expect, test } from 'vitest';
import type { NodePorts } from '../../node.ts';
import type { Channel } from '../../ports/index.ts';
import { linked, startNode } from '../../testing/network.ts';
import { tellable } from '../overlay/addresses.ts';
import { listeningFor, scopeOf } from './addresses.ts';

test.each([
  ['127.0.0.1:1', 'loopback'],
  ['[::1]:1', 'loopback'],
  ['[::ffff:127.0.0.1]:1', 'loopback'],
  ['localhost:1', 'loopback'],
  ['192.168.1.2:1', 'local_network'],
  ['0.0.0.0:1', 'local_network'],
  ['[fe80::1]:1', 'local_network'],
  ['fd00::1', 'local_network'],
  ['node-1:1', 'local_network'],
  ['printer.local:1', 'local_network'],
  ['8.8.8.8:1', 'global'],
  ['[2606:4700::1111]:1', 'global'],
  ['node.example.com:1', 'global'],
])('%s means something on %s', (address, scope) => {
  expect(scopeOf(address)).toBe(scope);
});

const LISTENERS = { loopback: '127.0.0.1:7000', wildcard: '0.0.0.0:7000', lan: '192.168.1.2:7000', public: '8.8.8.8:7000' };
test.each([
  ['127.0.0.1:50000', [['127.0.0.1:7000'], ['0.0.0.0:7000'], ['192.168.1.2:7000'], ['8.8.8.8:7000']]],
  ['192.168.1.9:50000', [[], ['0.0.0.0:7000'], ['192.168.1.2:7000'], ['8.8.8.8:7000']]],
  // A router may send the port on.
  ['9.9.9.9:50000', [[], ['0.0.0.0:7000'], ['0.0.0.0:7000'], ['8.8.8.8:7000']]],
])('a peer at %s is told no host that means nothing to it', (peer, told) => {
  expect(Object.values(LISTENERS).map((listener) => listeningFor(peer, listener))).toEqual(told);
});

const ALL = ['127.0.0.1:1', '10.1.2.3:1', '8.8.8.8:1'];
test.each([
  ['127.0.0.1:5', ALL],
  ['10.9.9.9:5', ALL.slice(1)],
  ['9.9.9.9:5', ALL.slice(2)],
])('what machines are known by is told a neighbour at %s only where it means the same', (neighbour, told) => {
  const peer = { machine: 'ab'.repeat(32) as MachineId, addresses: ALL };
  const kept = { ...peer, addresses: told };
  expect(tellable({ kind: 'forward_join', peer, hops: 1 }, neighbour)).toEqual({ kind: 'forward_join', peer: kept, hops: 1 });
  for (const kind of ['shuffle', 'shuffle_reply'] as const) {
    const said = kind === 'shuffle' ? ({ kind, hops: 1, path: [], peers: [peer] } as const) : ({ kind, path: [], peers: [peer] } as const);
    expect(tellable(said, neighbour)).toEqual({ ...said, peers: [kept] });
  }
});

/** The node sees each peer that calls it somewhere else. */
function calledFrom(address: string): (ports: NodePorts) => NodePorts {
  const moved = (channel: Channel): Channel => Object.defineProperty(channel, 'remoteAddress', { value: address });
  return (ports) => {
    const { transport } = ports;
    return {
      ...ports,
      transport: { listen: (at, onChannel) => transport.listen(at, (channel) => onChannel(moved(channel))), dial: transport.dial.bind(transport) },
    };
  };
}

test.each([
  ['127.0.0.5:50000', 1],
  ['192.168.1.9:50000', 0],
  ['9.9.9.9:50000', 0],
])('the hello to a peer at %s names loopback %i times', async (caller, times) => {
  await using a = await startNode({ wrap: calledFrom(caller) });
  await using b = await startNode({ bootstrapPeers: [a.address] });
  await linked(a, b);
  expect(b.node.services.links.toMachine(a.identity.machineId)!.hello.addresses).toEqual(times === 1 ? [a.address] : []);
});
