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
  if (control.kind === 'forward_join') return { ...control, peer: partly(peer)(control.peer) };
  if (control.kind === 'shuffle' || control.kind === 'shuffle_reply') return { ...control, peers: control.peers.map(partly(peer)) };
  return control;
}

function partly(peer: string): (descriptor: PeerDescriptor) => PeerDescriptor {
  const means = meansSomethingAt(peer);
  return ({ machine, addresses }) => ({ machine, addresses: addresses.filter(means) });
}
