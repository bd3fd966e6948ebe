/**
 * Whether a request comes from a browser on this machine, for a page of the node's own, and from the user who runs the
 * node. Only such a browser is handed the token: whoever has it may do everything.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';

/** Set by proxies, which stand for callers from anywhere. */
const PROXIED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'] as const;
const LOOPBACK = /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$/u;
const LOOPBACK_NAME = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(?::\d{1,5})?$/iu;

export function isOwnBrowser(request: IncomingMessage): boolean {
  const { headers, socket } = request;
  if (!LOOPBACK.test(socket.remoteAddress ?? '') || !LOOPBACK.test(socket.localAddress ?? '')) return false;
  if (!LOOPBACK_NAME.test(headers.host ?? '') || PROXIED.some((name) => headers[name] !== undefined)) return false;
  // A page of another origin on this machine may read what it fetches from here, but it cannot hide that it asks.
  if (headers.origin !== undefined || !['none', 'same-origin', undefined].includes(header(headers['sec-fetch-site']))) return false;
  return !isAnotherUser(socket.remotePort ?? 0, socket.localPort ?? 0);
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** `sl local remote st tx:rx tr:when retrnsmt uid …`; addresses are `HEX:PORT` */
const CONNECTION = /^\s*\d+: [\dA-F]+:([\dA-F]{4}) [\dA-F]+:([\dA-F]{4}) \S+ \S+ \S+ \S+ +(\d+)/u;

/** The user id of the socket with these ports in the text of `/proc/net/tcp`. */
export function socketOwner(table: string, local: number, remote: number): number | undefined {
  for (const line of table.split('\n')) {
    const [, from, to, uid] = CONNECTION.exec(line) ?? [];
    if (from !== undefined && to !== undefined && Number.parseInt(from, 16) === local && Number.parseInt(to, 16) === remote) return Number(uid);
  }
  return undefined;
}

/** Linux says whose the other end of a connection on this machine is. Elsewhere nobody says, and nobody counts as another. */
function isAnotherUser(from: number, to: number): boolean {
  const own = process.getuid?.();
  if (own === undefined || process.platform !== 'linux') return false;
  const owner = ['/proc/net/tcp', '/proc/net/tcp6'].map((table) => socketOwner(textOf(table), from, to)).find((uid) => uid !== undefined);
  return owner !== undefined && owner !== own && owner !== 0;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
