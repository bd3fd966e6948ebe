import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { joinHostPort, splitHostPort } from '../config.ts';
import { TransportError, type Carrier, type Log } from '../ports/index.ts';

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken; stop the program that holds it or choose another port',
  EACCES: 'this user may not use the port; choose one above 1023',
  EADDRNOTAVAIL: 'no interface of this machine has that address',
};

/** Byte pipes over TCP, without delay. Addresses are `host:port` or `[v6]:port`; port 0 listens on any free one. */
export function tcpCarrier(log?: Log): Carrier {
  return {
    scheme: 'tcp',

    async listen(address, onPipe) {
      const server = createServer({ noDelay: true });
      const { host, port } = parse(address, 'cannot_listen');
      await bind(server, host, port, address);
      // After that only accepting can fail (no free descriptors, say): the next connection may succeed.
      server.on('error', (error) => log?.write('warn', 'cannot accept a connection', { address, error: error.message }));
      server.on('connection', (socket) => {
        const remote = remoteAddress(socket);
        // Gone before we looked at it.
        if (remote === undefined) socket.destroy();
        else onPipe(socket, remote);
      });
      const bound = server.address() as AddressInfo;
      return {
        address: joinHostPort(bound.address, bound.port),
        // The callback of `close` would wait for every open pipe; the port itself is free at once.
        async [Symbol.asyncDispose]() {
          server.close();
        },
      };
    },

    dial(address, signal) {
      const { host, port } = parse(address, 'unreachable');
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(aborted(address, signal));
        const socket = connect({ host, port, noDelay: true });
        const onAbort = (): void => {
          socket.destroy();
          reject(aborted(address, signal));
        };
        signal.addEventListener('abort', onAbort, { once: true });
        socket.once('connect', () => {
          signal.removeEventListener('abort', onAbort);
          socket.removeListener('error', onError);
          resolve(socket);
        });
        const onError = (error: NodeJS.ErrnoException): void => {
          signal.removeEventListener('abort', onAbort);
          reject(new TransportError('unreachable', `nobody answers at ${address} (${error.code ?? error.message})`, { cause: error }));
        };
        socket.once('error', onError);
      });
    },
  };
}

function parse(address: string, code: 'cannot_listen' | 'unreachable'): { host: string; port: number } {
  const parts = splitHostPort(address);
  if (!parts) throw new TransportError(code, `not an address: ${JSON.stringify(address)}; write host:port or [v6]:port`);
  return parts;
}

async function bind(server: Server, host: string, port: number, address: string): Promise<void> {
  try {
    await listening(server, host, port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A machine without IPv6 still has every IPv4 interface.
    if (host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) return bind(server, '0.0.0.0', port, address);
    throw new TransportError('cannot_listen', `cannot listen on ${address}: ${ADVICE[code ?? ''] ?? (error as Error).message}`, { cause: error });
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 511 }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

/** `host:port` of the far end, an IPv4 one in IPv4 form. */
function remoteAddress(socket: Socket): string | undefined {
  const { remoteAddress: host, remotePort: port } = socket;
  return host === undefined || port === undefined ? undefined : joinHostPort(host.replace(/^::ffff:(?=\d+\.)/i, ''), port);
}

const aborted = (address: string, signal: AbortSignal): TransportError =>
  signal.reason instanceof TransportError ? signal.reason : new TransportError('closed', `gave up dialling ${address}`, { cause: signal.reason });
