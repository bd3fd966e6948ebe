/**
 * What linked nodes say to one another about presence, beside the beacons that are gossiped: probes that the other's presence service answers,
 * and walks from friend to friend, whose answers carry the signed beacons themselves, so that nobody in between is believed.
 */
import { ID_BYTES, MAX_PRESENCE_BEACONS, MAX_PRESENCE_BYTES, MAX_WALK_FORWARDS, MAX_WALK_TTL, PING_NONCE_BYTES, WALK_ID_BYTES } from './constants.ts';
import { decodeStrict, encodeChecked, EncodingError, readBytes, readCount, readList, readTuple } from './encoding.ts';
import { idBytes, idOfBytes } from './ids.ts';
import type { AgentId } from './ids.ts';
import { once } from './once.ts';
import { MAX_BEACON_ENVELOPE_BYTES } from './presence.ts';

export type PresenceControl =
  | { readonly kind: 'probe'; readonly nonce: Uint8Array }
  /** Answers a probe. `heard`: `sent` of the latest beacon of the asker that came here by gossip; `own`: of the latest that was given here; null for none. */
  | { readonly kind: 'echo'; readonly nonce: Uint8Array; readonly heard: number | null; readonly own: number | null }
  /** Who is online? `ttl`: steps that it may still take, 1 to 5. `target`: only this agent is wanted. Who asks is not said. */
  | { readonly kind: 'query'; readonly walk: Uint8Array; readonly ttl: number; readonly target: AgentId | null }
  /** `forwarded`: so many further answers will follow. `beacons`: up to 8 envelopes as they were gossiped. */
  | { readonly kind: 'answer'; readonly walk: Uint8Array; readonly forwarded: number; readonly beacons: readonly Uint8Array[] };

const KINDS = ['probe', 'echo', 'query', 'answer'] as const;

/** Throws `EncodingError` for what is out of bounds. */
export function encodePresenceControl(control: PresenceControl): Uint8Array {
  return encodeChecked([KINDS.indexOf(control.kind), ...fieldsOf(control)], MAX_PRESENCE_BYTES, decodePresenceControl, controlOf);
}

function fieldsOf(control: PresenceControl): unknown[] {
  switch (control.kind) {
    case 'probe':
      return [control.nonce];
    case 'echo':
      return [control.nonce, control.heard, control.own];
    case 'query':
      return [control.walk, control.ttl, control.target === null ? null : idBytes(control.target)];
    case 'answer':
      return [control.walk, control.forwarded, control.beacons];
  }
}

/** Throws `EncodingError`. */
export const decodePresenceControl = once((bytes: Uint8Array): PresenceControl => controlOf(decodeStrict(bytes, MAX_PRESENCE_BYTES)));

function controlOf(value: unknown): PresenceControl {
  const fields = readList(value, 'presence', 4);
  const kind = KINDS[readCount(fields[0], 'presence kind')];
  const take = (length: number): readonly unknown[] => readTuple(fields, kind ?? 'presence', length + 1).slice(1);
  switch (kind) {
    case 'probe':
      return { kind, nonce: readNonce(take(1)[0]) };
    case 'echo': {
      const [nonce, heard, own] = take(3);
      return { kind, nonce: readNonce(nonce), heard: readTime(heard, 'heard'), own: readTime(own, 'own') };
    }
    case 'query': {
      const [walk, ttl, target] = take(3);
      const steps = readUpTo(ttl, 'ttl', MAX_WALK_TTL);
      if (steps === 0) throw new EncodingError('bad_shape', 'ttl: 1 or more expected');
      return { kind, walk: readWalk(walk), ttl: steps, target: target === null ? null : idOfBytes<AgentId>(readBytes(target, 'target', ID_BYTES)) };
    }
    case 'answer': {
      const [walk, forwarded, beacons] = take(3);
      const envelopes = readList(beacons, 'beacons', MAX_PRESENCE_BEACONS).map((each) => readBytes(each, 'beacon', 1, MAX_BEACON_ENVELOPE_BYTES));
      return { kind, walk: readWalk(walk), forwarded: readUpTo(forwarded, 'forwarded', MAX_WALK_FORWARDS), beacons: envelopes };
    }
    default:
      throw new EncodingError('bad_shape', 'presence kind: one that is known expected');
  }
}

const readNonce = (value: unknown): Uint8Array => readBytes(value, 'nonce', PING_NONCE_BYTES);
const readWalk = (value: unknown): Uint8Array => readBytes(value, 'walk', WALK_ID_BYTES);
const readTime = (value: unknown, name: string): number | null => (value === null ? null : readCount(value, name));

function readUpTo(value: unknown, name: string, most: number): number {
  const count = readCount(value, name);
  if (count > most) throw new EncodingError('bad_shape', `${name}: at most ${most} expected`);
  return count;
}
