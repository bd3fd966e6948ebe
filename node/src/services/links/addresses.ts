/** Which addresses mean something to whom: those of this host here only, those of the LAN there, public ones everywhere. */
import { isPubliclyRoutable } from '@muster/protocol';
import type { Link } from './link.ts';

const SCOPES = ['loopback', 'local_network', 'global'] as const;

export type AddressScope = (typeof SCOPES)[number];

const LOOPBACK = /^(?:127\.|\[::1\]|::1$|\[::ffff:127\.|localhost(?::|$))/u;
/** IP addresses, and names that no public server knows: of one label, or below a domain kept for own networks (RFC 6762, RFC 8375) */
const OWN_NETWORK = /^(?:\[|[\d.]+(?::\d+)?$|[^.:]+(?::\d+)?$|.*[.](?:local|lan|internal|home[.]arpa)(?::\d+)?$)|:.*:/u;

/** Of any other name it is not known who stands behind it: it counts as the widest. */
export function scopeOf(address: string): AddressScope {
  if (isPubliclyRoutable(address)) return 'global';
  if (LOOPBACK.test(address)) return 'loopback';
  return OWN_NETWORK.test(address) ? 'local_network' : 'global';
}

/** May be told to a peer that was met at `peer`: it means the same there. */
export function meansSomethingAt(peer: string): (address: string) => boolean {
  const least = SCOPES.indexOf(scopeOf(peer));
  return (address) => SCOPES.indexOf(scopeOf(address)) >= least;
}

/**
 * What a peer that was met at `peer` is told of where we listen. It takes only the port of it, and the host from where it sees us:
 * where the host means nothing to it, the port goes alone. Nobody elsewhere reaches what is bound to loopback.
 */
export function listeningFor(peer: string, listener: string): string[] {
  if (meansSomethingAt(peer)(listener)) return [listener];
  return scopeOf(listener) === 'loopback' ? [] : [`0.0.0.0${listener.slice(listener.lastIndexOf(':'))}`];
}

/** An incoming link's remote port is a passing one: its host is of use, with the ports that the peer listens on. */
export function reachable({ address, hello }: Link, dialled: boolean): string[] {
  if (dialled) return [address];
  return hello.addresses.map((said) => `${hostOf(address)}:${said.slice(said.lastIndexOf(':') + 1)}`);
}

export const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));
