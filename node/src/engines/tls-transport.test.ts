import { duplexPair, type Duplex } from 'node:stream';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { TransportError, type Carrier } from '../ports/index.ts';
import { systemClock } from './clock.ts';
import { nodeCrypto } from './crypto.ts';
import { tcpCarrier } from './tcp-carrier.ts';
import { tlsTransport } from './tls-transport.ts';
import { transportPortTest, type TransportWorld } from './transport.port-test.ts';

const crypto = nodeCrypto();

function worldOver(carrier: Carrier, address: string, deadAddress: string): TransportWorld {
  return {
    address,
    deadAddress,
    machine() {
      const machineKey = crypto.signingKey();
      return { transport: tlsTransport({ carrier, crypto, machineKey, clock: systemClock() }), machineKey: machineKey.publicKey };
    },
  };
}

/** Pipes inside this process, to see that the secure channel needs a byte stream and nothing more. */
function memoryCarrier(): Carrier {
  const listeners = new Map<string, (pipe: Duplex, remoteAddress: string) => void>();
  return {
    scheme: 'memory',
    async listen(address, onPipe) {
      if (listeners.has(address)) throw new TransportError('cannot_listen', `${address} is taken`);
      listeners.set(address, onPipe);
      return { address, [Symbol.asyncDispose]: async () => void listeners.delete(address) };
    },
    async dial(address, signal) {
      const accept = listeners.get(address);
      if (!accept) throw new TransportError('unreachable', `nobody answers at ${address}`);
      if (signal.aborted) throw new TransportError('closed', 'gave up');
      const [near, far] = duplexPair();
      // As with a socket, the end of one side's pipe is the end of the other's.
      near.once('close', () => far.destroy());
      far.once('close', () => near.destroy());
      accept(far, 'memory:1');
      return near;
    },
  };
}

describe('TLS over TCP', () => {
  transportPortTest(() => worldOver(tcpCarrier(), '127.0.0.1:0', '127.0.0.1:1'));
});
describe('TLS over TCP, IPv6', () => {
  transportPortTest(() => worldOver(tcpCarrier(), '[::1]:0', '[::1]:1'));
});
describe('TLS over any duplex', () => {
  transportPortTest(() => worldOver(memoryCarrier(), 'memory:9', 'memory:0'));
});

describe('TCP carrier', () => {
  it.each(['nonsense', '127.0.0.1', '127.0.0.1:99999', '::1:80'])('refuses %j as an address', async (address) => {
    await expect((async () => tcpCarrier().listen(address, () => {}))()).rejects.toMatchObject({ name: 'TransportError', code: 'cannot_listen' });
    await expect((async () => tcpCarrier().dial(address, new AbortController().signal))()).rejects.toMatchObject({
      name: 'TransportError',
      code: 'unreachable',
    });
  });

  it('names a taken port and what to do', async () => {
    await using listener = await tcpCarrier().listen('127.0.0.1:0', () => {});
    const message = expect.stringMatching(new RegExp(`${listener.address}.*port is taken; stop the program`)) as string;
    await expect(tcpCarrier().listen(listener.address, () => {})).rejects.toMatchObject({ message });
  });

  it('names an IPv4 peer of a dual-stack listener in IPv4 form', async () => {
    const remote = Promise.withResolvers<string>();
    await using listener = await tcpCarrier().listen('[::]:0', (pipe, address) => {
      remote.resolve(address);
      pipe.destroy();
    });
    const port = listener.address.split(':').at(-1);
    const pipe = await tcpCarrier().dial(`127.0.0.1:${port}`, new AbortController().signal);
    pipe.on('error', () => {}).destroy();
    expect(await remote.promise).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('frees its port as soon as it is disposed, though pipes are open', async () => {
    const pipes: Duplex[] = [];
    const listener = await tcpCarrier().listen('127.0.0.1:0', (pipe) => pipes.push(pipe));
    const pipe = await tcpCarrier().dial(listener.address, new AbortController().signal);
    await listener[Symbol.asyncDispose]();
    const next = createServer();
    await new Promise<void>((resolve, reject) => next.once('error', reject).listen(Number(listener.address.split(':')[1]), '127.0.0.1', resolve));
    next.close();
    for (const open of [pipe, ...pipes]) open.on('error', () => {}).destroy();
  });
});
