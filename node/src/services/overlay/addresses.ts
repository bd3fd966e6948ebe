/** Which addresses of machines neighbours tell one another, and who shares a host. */
import { isPubliclyRoutable } from '@muster/protocol';
import type { OverlayControl, PeerDescriptor } from '@muster/protocol';
import { hostOf, meansSomethingAt } from '../links/addresses.ts';

/** The host that one party uses; undefined where many honest nodes share one (loopback, private networks). */
export function siteOf([address]: readonly string[]): string | undefined {
  return address !== undefined && isPubliclyRoutable(address) ? hostOf(address) : undefined;
}

/** What the peer that was met at `peer` may be told: no address that only means something here. */
export function tellable(control: OverlayControl, peer: string): OverlayControl {
  const means = meansSomethingAt(peer);
  const part = ({ machine, addresses }: PeerDescriptor): PeerDescriptor => ({ machine, addresses: addresses.filter(means) });
  if (control.kind === 'forward_join') return { ...control, peer: part(control.peer) };
  if (control.kind === 'shuffle' || control.kind === 'shuffle_reply') return { ...control, peers: control.peers.map(part) };
  return control;
}
