import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what systems give to outgoing connections (Linux: from 32768), or one of those takes the port before the daemon does. */
const FIRST = 10_000;
const PORTS = 22_000;
/** Labs that run at the same time look in different places. */
const APART = 64;

let next = process.pid * APART;

/** A loopback TCP port that was free a moment ago, for daemons whose address others must know before they start. Another one each time. @throws when none is free */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS; tried++) {
    const port = FIRST + (next++ % PORTS);
    if (await isFree(port)) return port;
  }
  throw new Error(`no TCP port from ${FIRST} to ${FIRST + PORTS - 1} is free on 127.0.0.1`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
