/** Who may ask: the token, the host name asked for, and the web page asking. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Whether the request carries the token: `Authorization: Bearer …` (scheme in any case), or `?token=` where `query` allows it.
 * Both sides are hashed first, so the comparison tells nothing about length or common beginning.
 */
export function hasToken(request: IncomingMessage, token: string, query: URLSearchParams | undefined): boolean {
  const header = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const inQuery = query?.get('token');
  return (header !== undefined && same(header.trim(), token)) || (typeof inQuery === 'string' && same(inQuery, token));
}

function same(given: string, token: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return token !== '' && timingSafeEqual(hash(given), hash(token));
}

/**
 * Guards against DNS rebinding: a page on another site can make its own name resolve to this machine, but not change the
 * `Host` that its requests carry. Allowed are loopback names and addresses and the address bound to; where that is every
 * address of the machine, any address literal (a literal cannot be rebound). The port is not looked at, so tunnels work.
 * No `Host` at all is HTTP/1.0, which browsers do not speak.
 */
export function isAllowedHost(host: string | undefined, boundHost: string): boolean {
  if (host === undefined) return true;
  const name = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
  if (name === undefined) return false;
  const address = name.replace(/^\[|\]$/g, '');
  if (name === 'localhost' || address === boundHost.toLowerCase() || name === '[::1]') return true;
  if (isIP(address) === 0) return false;
  return address.startsWith('127.') || boundHost === '0.0.0.0' || boundHost === '::';
}

const ALLOWED_ORIGIN = /^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/;

/**
 * CORS headers for pages served from this machine over http. The host is matched whole: the compatible API matches a
 * prefix, which would let `http://127.0.0.1.example.org` in.
 */
export function corsHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = { vary: 'origin, access-control-request-method, access-control-request-headers' };
  const { origin } = request.headers;
  if (origin === undefined || !ALLOWED_ORIGIN.test(origin)) return headers;
  headers['access-control-allow-origin'] = origin;
  if (request.method === 'OPTIONS') {
    headers['access-control-allow-methods'] = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
    // `*` does not cover Authorization in browsers: it must be named.
    headers['access-control-allow-headers'] = 'authorization, *';
    headers['access-control-max-age'] = '600';
  }
  return headers;
}
