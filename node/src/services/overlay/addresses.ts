/** Which addresses of a machine are of use, to whom, and who shares a host. */
import { isPubliclyRoutable } from '@muster/protocol';
import type { OverlayControl, PeerDescriptor } from '@muster/protocol';
import type { Link } from '../links/link.ts';

/** An incoming link's remote port is a passing one: its host is of use, with the ports that the peer listens on. */
export function reachable({ address, hello }: Link, dialled: boolean): string[] {
  if (dialled) return [address];
  return hello.addresses.map((said) => `${hostOf(address)}:${said.slice(said.lastIndexOf(':') + 1)}`);
}

/** The host that one party uses; undefined where many honest nodes share one (loopback, private networks). */
export function siteOf([address]: readonly string[]): string | undefined {
  return address !== undefined && isPubliclyRoutable(address) ? hostOf(address) : undefined;
}

/** What a peer far away may be told: no address that only means something here. */
export function publicly(control: OverlayControl): OverlayControl {
  if (control.kind === 'forward_join') return { ...control, peer: publicPart(control.peer) };
  if (control.kind === 'shuffle' || control.kind === 'shuffle_reply') return { ...control, peers: control.peers.map(publicPart) };
  return control;
}

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));

const publicPart = ({ machine, addresses }: PeerDescriptor): PeerDescriptor => ({ machine, addresses: addresses.filter(isPubliclyRoutable) });
