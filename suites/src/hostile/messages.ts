import { type PeerLink, placeOf, scenario, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { LANE_BULK, LANE_CONTROL } from '@muster/protocol';
import { twoOf } from '../nodes.ts';
import { required } from './requirements.ts';
import { unharmed } from './unharmed.ts';

const CLOSED_MS = 3_000;
const KIB = 1_024;
// CBOR: an array of 2^32 - 1 items, a map, a text and bytes of as many.
const GIANT = { list: 0x9a, map: 0xba, text: 0x7a, bytes: 0x5a };
const control = (type: number, body: Uint8Array) => (link: PeerLink) => link.sendFrame({ lane: LANE_CONTROL, type, body });
/** A whole bulk message in one frame: id, flags (last), body. */
const bulk = (type: number, body: Uint8Array) => (link: PeerLink) =>
  link.sendFrame({ lane: LANE_BULK, type, body: Uint8Array.of(0, 0, 0, 1, 1, ...body) });
const giant = (kind: number): Uint8Array => Uint8Array.of(kind, 0xff, 0xff, 0xff, 0xff);
const nested = (depth: number): Uint8Array => new Uint8Array(depth).fill(0x81);
const ACK = 5;
const OVERLAY = 6;
const PUBLISH = 1;
const DIRECT = 2;
const HAVE = 3;
const WANT = 4;

const BREACHES: Readonly<Record<string, (link: PeerLink) => void>> = {
  'a-giant-list': control(ACK, giant(GIANT.list)),
  'a-giant-map': control(ACK, giant(GIANT.map)),
  'a-giant-text': control(ACK, giant(GIANT.text)),
  'a-giant-control-list': control(OVERLAY, giant(GIANT.list)),
  'a-deep-control': control(OVERLAY, nested(16 * KIB)),
  'a-deep-answer': control(ACK, nested(200)),
  'a-giant-envelope': bulk(PUBLISH, new Uint8Array()),
  'half-an-id': bulk(HAVE, new Uint8Array(33)),
  'no-ids': bulk(WANT, new Uint8Array()),
  'unfinished-messages': (link) => {
    // Begun and never finished: each is kept for its end, so there must be few.
    const part = new Uint8Array(64 * KIB);
    for (let id = 1; id <= 200 && !link.isClosed; id++) {
      part.set([0, 0, id >> 8, id & 0xff, 0]);
      link.sendFrame({ lane: LANE_BULK, type: DIRECT, body: part.slice() });
    }
  },
};

/** Well-formed on the link, and nonsense inside: dropped or answered, never fatal. */
const NONSENSE: Readonly<Record<string, (link: PeerLink) => void>> = {
  'giant-counts-in-envelopes': (link) => {
    for (const kind of Object.values(GIANT)) for (const type of [PUBLISH, DIRECT]) bulk(type, giant(kind))(link);
  },
  'deep-envelopes': (link) => {
    for (const type of [PUBLISH, DIRECT]) bulk(type, nested(32 * KIB))(link);
  },
  'unknown-messages': (link) => {
    for (let type = 100; type < 250; type++) control(type, new Uint8Array(KIB))(link);
  },
  'unknown-lanes': (link) => {
    for (let lane = 2; lane < 250; lane++) link.sendFrame({ lane, type: 1, body: new Uint8Array(KIB) });
  },
};

export const messages = scenario({
  id: 'hostile/messages',
  title: 'a peer whose messages announce, nest and begin more than they hold',
  requirements: [required.messages.id, required.unharmed.id, required.memory.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['status.metrics'] },
  phases: {
    async drive(context) {
      const { claim, eventually, record } = context;
      const [node] = twoOf(context);
      const place = await placeOf(node);
      await unharmed(context, node, async () => {
        for (const [name, commit] of Object.entries(BREACHES)) {
          await using offender = new ScriptedPeer(place);
          const link = await offender.dial(place.address);
          record.observe('offender', 'link', 'breach', { name, machine_id: offender.machineId });
          commit(link);
          const closed = await eventually(`the link closes after ${name}`, () => link.isClosed, CLOSED_MS);
          claim(`${name}/closed`, required.messages.id, 'MUST', claims.atMost({ seq: closed.seq, at: '/data/ms' }, CLOSED_MS, 'ms'), {
            title: `${name} ends the link`,
          });
        }
        for (const [name, say] of Object.entries(NONSENSE)) {
          await using offender = new ScriptedPeer(place);
          const link = await offender.dial(place.address);
          say(link);
          // What comes after it is answered, or the link is closed: in either case the node has read it.
          link.ping();
          const read = await eventually(`${name} was read`, () => link.isClosed || link.received.some(({ kind }) => kind === 'pong'), CLOSED_MS);
          claim(`${name}/read`, required.messages.id, 'MUST', claims.exists({ seq: read.seq, at: '/data/ms' }), {
            title: `${name} holds nothing up`,
          });
        }
      });
    },
  },
});
