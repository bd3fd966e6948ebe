/** Neighbours in the overlay that say what is not so about the roots of its trees. */
import { type PeerLink, ScriptedPeer, type ScriptedPeerOptions } from '@muster/lab';
import {
  type Crypto,
  idOfKey,
  makeRootChain,
  type MachineId,
  type OverlayControl,
  PUBLIC_KEY_BYTES,
  ROOT_BEATS,
  type RootAnchor,
  type RootChain,
  SIGNATURE_BYTES,
  type TreeBeacon,
} from '@muster/protocol';

export const say = (link: PeerLink, control: OverlayControl): void => {
  if (!link.isClosed) link.send({ kind: 'overlay', control });
};

/** What the link brought of what neighbours say to one another. */
export function controlsOf({ received }: PeerLink): OverlayControl[] {
  return received.flatMap((message) => (message.kind === 'overlay' ? [message.control] : []));
}

/** Better in a tree than all of them: `lowest`, or highest. */
type End = 'lowest' | 'highest';
const beats = (end: End, machine: string, others: readonly string[]): boolean =>
  others.every((other) => (end === 'lowest' ? machine < other : machine > other));

/** A machine that is a root by right, since its id lies at the end of all: it beats as it should, and passes on nothing of what it is given. */
export class Swallower implements AsyncDisposable {
  readonly peer: ScriptedPeer;
  readonly links: PeerLink[] = [];
  readonly #machineKey;
  #chain: RootChain | undefined;
  #beat = 0;

  constructor(place: ScriptedPeerOptions, crypto: Crypto, end: End, others: readonly string[]) {
    let machineKey = crypto.signingKey();
    while (!beats(end, idOfKey(crypto, machineKey.publicKey), others)) machineKey = crypto.signingKey();
    this.#machineKey = machineKey;
    this.peer = new ScriptedPeer({ ...place, machineKey });
  }

  async dial(address: string): Promise<void> {
    this.links.push(await this.peer.dial(address));
  }

  /** To be called about once a second. @param issued Unix ms */
  async beat(issued: number): Promise<void> {
    const { crypto, machineId, network } = this.peer;
    if (this.#beat % ROOT_BEATS === 0) {
      this.#chain = await makeRootChain(crypto, this.#machineKey, network, { first: issued + this.#beat, issued });
      this.#beat = 0;
    }
    const { anchor, beats: proofs } = this.#chain!;
    const at: TreeBeacon = { root: machineId, seq: anchor.first + this.#beat, hops: 0, proof: proofs[this.#beat]! };
    for (const link of this.links) {
      say(link, { kind: 'join' });
      say(link, { kind: 'root', anchor });
      say(link, { kind: 'beacon', trees: [at, at] });
    }
    this.#beat++;
  }

  /** topics that neighbours have it take part in, because it is their parent */
  get trustedWith(): number {
    const topics = this.links.flatMap((link) =>
      controlsOf(link).flatMap((control) => (control.kind === 'topics' ? control.items.filter((item) => item.kind === 'join' && item.asks > 0) : [])),
    );
    return new Set(topics.map(({ topic }) => topic)).size;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.peer[Symbol.asyncDispose]();
  }
}

/** An anchor of a root that is better than all others, and that nobody signed. */
export function inventedRoot(crypto: Crypto, others: readonly string[], issued: number): readonly [RootAnchor, TreeBeacon] {
  let key = crypto.randomBytes(PUBLIC_KEY_BYTES);
  while (!beats('lowest', idOfKey(crypto, key), others)) key = crypto.randomBytes(PUBLIC_KEY_BYTES);
  const [end, proof] = [crypto.randomBytes(32), crypto.randomBytes(32)];
  const place: TreeBeacon = { root: idOfKey<MachineId>(crypto, key), seq: issued, hops: 0, proof };
  return [{ key, first: issued, issued, end, signature: crypto.randomBytes(SIGNATURE_BYTES) }, place];
}

/** The last beacon that the link brought, from right beside the roots and by a beat that is yet to come. */
export function embellished(crypto: Crypto, link: PeerLink): readonly TreeBeacon[] {
  const last = controlsOf(link).findLast((control) => control.kind === 'beacon');
  return (last?.trees ?? []).map(({ root, seq }) => ({ root, seq: seq + 2, hops: 0, proof: crypto.randomBytes(32) }));
}
