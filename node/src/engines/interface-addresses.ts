import { networkInterfaces } from 'node:os';
import { isPubliclyRoutable } from '@muster/protocol';

type Interfaces = Readonly<Record<string, readonly { readonly address: string; readonly family: string }[] | undefined>>;

/**
 * `host:port` at which the public internet reaches what is bound to `bound`, as far as this host can tell by itself: its own public addresses.
 * Empty behind a NAT.
 */
export function publicAddresses(bound: string, interfaces: Interfaces = networkInterfaces()): string[] {
  const port = bound.slice(bound.lastIndexOf(':') + 1);
  const host = bound.slice(0, -port.length - 1).replace(/^\[|\]$/gu, '');
  const families = host === '0.0.0.0' ? ['IPv4'] : host === '::' ? ['IPv4', 'IPv6'] : [];
  const own = Object.values(interfaces).flatMap((addresses = []) => addresses.filter(({ family }) => families.includes(family)));
  const all = families.length > 0 ? own.map(({ address }) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)) : [bound];
  return [...new Set(all)].filter(isPubliclyRoutable);
}
