/**
 * What neighbours in the overlay say to one another: HyParView membership (Leitão, Pereira, Rodrigues 2007), beacons of the shared trees,
 * and who takes part in which topic (with GRAFT and PRUNE of PlumTree, by the same authors).
 * Messages themselves, and their ids, travel as `publish`, `have` and `want`.
 */
import { fromHex, toHex } from './bytes.ts';
import {
  MAX_ADDRESS_BYTES,
  MAX_GONE,
  MAX_OVERLAY_BYTES,
  MAX_PEER_ADDRESSES,
  MAX_SHUFFLED,
  MAX_TO_BYTES,
  MAX_TOPIC_ITEMS,
  MAX_TREES,
  MAX_WALK,
  ID_BYTES,
  PUBLIC_KEY_BYTES,
  ROOT_LINK_BYTES,
  SIGNATURE_BYTES,
} from './constants.ts';
import { decodeStrict, encodeChecked, EncodingError, readBytes, readCount, readList, readText, readTuple } from './encoding.ts';
import { idBytes, idOfBytes } from './ids.ts';
import type { MachineId } from './ids.ts';
import { once } from './once.ts';
import type { RootAnchor } from './root-chain.ts';

/** Where a machine may be reached: up to 4 `host:port`, not verified by anyone. */
export interface PeerDescriptor {
  readonly machine: MachineId;
  readonly addresses: readonly string[];
}

/** `merge`: the asker is full, and is only interested when the other belongs to another network component. */
export type NeighborPriority = 'low' | 'high' | 'merge';

/** The sender's place in one shared tree; `hops` is its distance from the root, `null` when it has lost its way there. */
export type TreeBeacon = {
  readonly root: MachineId;
  readonly seq: number;
} & (
  | { readonly hops: null; readonly proof: null }
  /** of beat and distance: see `RootAnchor` */
  | { readonly hops: number; readonly proof: Uint8Array }
);

export type TopicItem =
  /**
   * The sender takes part. `asks`: bit k set when the receiver is its parent in tree k and shall take part for its sake. `known`: it has heard the
   * same from the receiver. `away`: ms since which it may have missed messages, 0 for not at all.
   */
  | { readonly kind: 'join'; readonly topic: string; readonly asks: number; readonly known: boolean; readonly away: number }
  | { readonly kind: 'leave'; readonly topic: string }
  | { readonly kind: 'graft'; readonly topic: string }
  | { readonly kind: 'prune'; readonly topic: string };

/** A message that the sender of this had and has no more; `age`: ms since it came there. */
export interface GoneMessage {
  readonly id: string;
  readonly age: number;
}

/** `hops`: steps that a walk may still take. `path`: where it came along, its origin first. */
export type OverlayControl =
  | { readonly kind: 'join' }
  | { readonly kind: 'forward_join'; readonly peer: PeerDescriptor; readonly hops: number }
  | { readonly kind: 'neighbor'; readonly priority: NeighborPriority; readonly root: MachineId }
  | { readonly kind: 'neighbor_reply'; readonly accepted: boolean }
  | { readonly kind: 'disconnect' }
  | { readonly kind: 'shuffle'; readonly hops: number; readonly path: readonly MachineId[]; readonly peers: readonly PeerDescriptor[] }
  | { readonly kind: 'shuffle_reply'; readonly path: readonly MachineId[]; readonly peers: readonly PeerDescriptor[] }
  | { readonly kind: 'beacon'; readonly trees: readonly TreeBeacon[] }
  /** What the beacons that follow are proven by. */
  | { readonly kind: 'root'; readonly anchor: RootAnchor }
  | { readonly kind: 'topics'; readonly items: readonly TopicItem[] }
  /** What the receiver cannot have from the sender any more; `older`: how many came before these in the time that it was away, ids unknown. */
  | { readonly kind: 'gone'; readonly topic: string; readonly messages: readonly GoneMessage[]; readonly older: number }
  /** Somebody lost its way in a tree: the root should give a new number now. */
  | { readonly kind: 'beat' };

const KINDS = [
  'join',
  'forward_join',
  'neighbor',
  'neighbor_reply',
  'disconnect',
  'shuffle',
  'shuffle_reply',
  'beacon',
  'topics',
  'beat',
  'root',
  'gone',
] as const;
const PRIORITIES = ['low', 'high', 'merge'] as const;
const ITEM_KINDS = ['join', 'leave', 'graft', 'prune'] as const;

/** Throws `EncodingError` for what is out of bounds. The same message to several neighbours is encoded once. */
export const encodeOverlayControl = once((control: OverlayControl): Uint8Array => {
  return encodeChecked([KINDS.indexOf(control.kind), ...fieldsOf(control)], MAX_OVERLAY_BYTES, decodeOverlayControl, controlOf);
});

function fieldsOf(control: OverlayControl): unknown[] {
  switch (control.kind) {
    case 'join':
    case 'disconnect':
    case 'beat':
      return [];
    case 'forward_join':
      return [peerOut(control.peer), control.hops];
    case 'neighbor':
      return [PRIORITIES.indexOf(control.priority), idBytes(control.root)];
    case 'neighbor_reply':
      return [control.accepted];
    case 'shuffle':
      return [control.hops, control.path.map(idBytes), control.peers.map(peerOut)];
    case 'shuffle_reply':
      return [control.path.map(idBytes), control.peers.map(peerOut)];
    case 'beacon':
      return [control.trees.map(({ root, seq, hops, proof }) => [idBytes(root), seq, hops, proof])];
    case 'root': {
      const { key, first, issued, end, signature } = control.anchor;
      return [[key, first, issued, end, signature]];
    }
    case 'topics':
      return [control.items.map(itemOut)];
    case 'gone':
      return [control.topic, control.messages.map(({ id, age }) => [fromHex(id), age]), control.older];
  }
}

/** Throws `EncodingError`. */
export const decodeOverlayControl = once((bytes: Uint8Array): OverlayControl => controlOf(decodeStrict(bytes, MAX_OVERLAY_BYTES)));

function controlOf(value: unknown): OverlayControl {
  const fields = readList(value, 'overlay', 4);
  const kind = choice(KINDS, fields[0], 'overlay kind');
  const take = (length: number): readonly unknown[] => readTuple(fields, kind, length + 1).slice(1);
  switch (kind) {
    case 'join':
    case 'disconnect':
    case 'beat':
      take(0);
      return { kind };
    case 'forward_join': {
      const [peer, hops] = take(2);
      return { kind, peer: peerIn(peer), hops: upTo(hops, MAX_WALK, 'hops') };
    }
    case 'neighbor': {
      const [priority, root] = take(2);
      return { kind, priority: choice(PRIORITIES, priority, 'priority'), root: machineIn(root) };
    }
    case 'neighbor_reply':
      return { kind, accepted: flag(take(1)[0], 'accepted') };
    case 'shuffle': {
      const [hops, path, peers] = take(3);
      return { kind, hops: upTo(hops, MAX_WALK, 'hops'), path: pathIn(path), peers: peersIn(peers) };
    }
    case 'shuffle_reply': {
      const [path, peers] = take(2);
      return { kind, path: pathIn(path), peers: peersIn(peers) };
    }
    case 'beacon':
      return { kind, trees: readList(take(1)[0], 'trees', MAX_TREES).map(treeIn) };
    case 'root':
      return { kind, anchor: anchorIn(take(1)[0]) };
    case 'topics':
      return { kind, items: readList(take(1)[0], 'items', MAX_TOPIC_ITEMS).map(itemIn) };
    case 'gone': {
      const [topic, messages, older] = take(3);
      return {
        kind,
        topic: readText(topic, 'topic', 1, MAX_TO_BYTES),
        messages: readList(messages, 'messages', MAX_GONE).map(goneIn),
        older: readCount(older, 'older'),
      };
    }
  }
}

function peerOut({ machine, addresses }: PeerDescriptor): unknown {
  return [idBytes(machine), [...addresses]];
}

function peerIn(value: unknown): PeerDescriptor {
  const [machine, addresses] = readTuple(value, 'peer', 2);
  const list = readList(addresses, 'addresses', MAX_PEER_ADDRESSES).map((address) => readText(address, 'address', 1, MAX_ADDRESS_BYTES));
  return { machine: machineIn(machine), addresses: list };
}

function treeIn(value: unknown): TreeBeacon {
  const [root, seq, hops, proof] = readTuple(value, 'tree', 4);
  const head = { root: machineIn(root), seq: readCount(seq, 'seq') };
  if (hops === null && proof === null) return { ...head, hops, proof };
  return { ...head, hops: upTo(hops, 255, 'hops'), proof: readBytes(proof, 'proof', ROOT_LINK_BYTES) };
}

function anchorIn(value: unknown): RootAnchor {
  const [key, first, issued, end, signature] = readTuple(value, 'anchor', 5);
  return {
    key: readBytes(key, 'key', 1, PUBLIC_KEY_BYTES),
    first: readCount(first, 'first'),
    issued: readCount(issued, 'issued'),
    end: readBytes(end, 'end', ROOT_LINK_BYTES),
    signature: readBytes(signature, 'signature', 1, SIGNATURE_BYTES),
  };
}

function itemOut(item: TopicItem): unknown {
  const head = [ITEM_KINDS.indexOf(item.kind), item.topic];
  return item.kind === 'join' ? [...head, item.asks, item.known, item.away] : head;
}

function itemIn(value: unknown): TopicItem {
  const fields = readList(value, 'item', 5);
  const kind = choice(ITEM_KINDS, fields[0], 'item kind');
  const topic = readText(fields[1], 'topic', 1, MAX_TO_BYTES);
  if (kind === 'join') {
    const [, , asks, known, away] = readTuple(fields, kind, 5);
    return { kind, topic, asks: upTo(asks, 2 ** MAX_TREES - 1, 'asks'), known: flag(known, 'known'), away: readCount(away, 'away') };
  }
  readTuple(fields, kind, 2);
  return { kind, topic };
}

function goneIn(value: unknown): GoneMessage {
  const [id, age] = readTuple(value, 'gone message', 2);
  return { id: toHex(readBytes(id, 'id', ID_BYTES)), age: readCount(age, 'age') };
}

function machineIn(value: unknown): MachineId {
  return idOfBytes<MachineId>(readBytes(value, 'machine', ID_BYTES));
}

function pathIn(value: unknown): MachineId[] {
  return readList(value, 'path', MAX_WALK + 1).map(machineIn);
}

function peersIn(value: unknown): PeerDescriptor[] {
  return readList(value, 'peers', MAX_SHUFFLED).map(peerIn);
}

function upTo(value: unknown, max: number, name: string): number {
  const count = readCount(value, name);
  if (count > max) throw new EncodingError('bad_shape', `${name}: at most ${max} expected`);
  return count;
}

function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw new EncodingError('bad_shape', `${name}: true or false expected`);
  return value;
}

function choice<T extends string>(names: readonly T[], value: unknown, name: string): T {
  const chosen = names[readCount(value, name)];
  if (chosen === undefined) throw new EncodingError('bad_shape', `${name}: not one that is known`);
  return chosen;
}
