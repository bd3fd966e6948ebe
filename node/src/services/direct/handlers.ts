import { CapabilityError, decodeBase64 } from '@muster/contract';
import type { EventOf, Registry } from '@muster/contract';
import type { AgentId, MachineId } from '@muster/protocol';
import { EventQueue } from '../../ports/event-queue.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { HandlersOf } from '../families.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { KnownPeer, KnownPeers } from '../peers/known-peers.ts';
import type { DirectService } from './direct-service.ts';
import type { InboxMessage } from './inbox.ts';

type DirectEvent = EventOf<Registry['direct.events']>;

/** messages that may wait for one reader of `/direct/events` before the oldest go */
export const DIRECT_EVENT_QUEUE = 8_192;
/** and how much they may weigh, in characters of payload */
const DIRECT_EVENT_QUEUE_WEIGHT = 64 * 1024 * 1024;
const PROBE_MIN_MS = 100;
const PROBE_MAX_MS = 30_000;

export interface DirectHandlerParts {
  readonly direct: DirectService;
  readonly links: LinkManager;
  readonly contacts: ContactStore;
  readonly peers: KnownPeers;
  readonly counters: Counters;
}

export function directHandlers({ direct, links, contacts, peers, counters }: DirectHandlerParts): HandlersOf<'direct'> {
  const connect = async (machine: MachineId | undefined, peer: KnownPeer | undefined) => {
    const existing = machine && links.toMachine(machine);
    if (existing) return { outcome: 'AlreadyConnected' as const, addr: existing.address };
    if (!machine || !peer || peer.addresses.length === 0) return { outcome: 'NotFound' as const, addr: null };
    const made = await Promise.any(peer.addresses.map((address) => links.connect(address, machine))).catch(() => undefined);
    return made ? { outcome: 'Direct' as const, addr: made.address } : { outcome: 'Unreachable' as const, addr: null };
  };
  return {
    'direct.connect': (input) => {
      const agent = input.agent_id as AgentId;
      const peer = peers.get(agent);
      return connect(links.toAgent(agent)?.machine ?? peer?.machine, peer);
    },
    'direct.connectMachine': (input) => connect(input.machine_id as MachineId, peers.byMachine(input.machine_id as MachineId)),
    'direct.send': async (input) => {
      const agent = input.agent_id as AgentId;
      if (contacts.blocked(agent)) throw new CapabilityError(403, 'agent is blocked');
      const { path, retries, requestId } = await direct.send(
        agent,
        decodeBase64('payload', input.payload, 'invalid base64: payload'),
        input.logical_id,
      );
      const probe = input.require_ack_ms === undefined ? null : await liveness(agent, input.require_ack_ms, path === 'loopback');
      return { path, retries_used: retries, request_id: requestId, require_ack: probe };
    },
    'direct.connections': () => ({ connections: links.all().map((link) => ({ agent_id: link.agent, machine_id: link.machine })) }),
    'direct.events': () => {
      const queue = new EventQueue<DirectEvent>(DIRECT_EVENT_QUEUE, () => counters.add('dm_subscriber_events_evicted_total'), {
        of: ({ data }) => data.payload.length,
        most: DIRECT_EVENT_QUEUE_WEIGHT,
      });
      const listener = direct.onMessage((message) => {
        counters.add('dm_delivered_to_stream_total');
        queue.push({ event: 'direct_message', data: shownMessage(message) });
      });
      return {
        events: queue,
        close: () => {
          listener[Symbol.dispose]();
          queue.close();
        },
      };
    },
    'direct.inbox': (input) => {
      const messages = direct.inbox.read(input.after, input.limit);
      return {
        messages: messages.map((message) => ({
          ...shownMessage(message),
          cursor: message.cursor,
          request_id: message.requestId,
          logical_id: message.logicalId,
        })),
        next: messages.at(-1)?.cursor ?? null,
      };
    },
  };

  /** Asks the recipient's machine for a sign of life after the message was committed. */
  async function liveness(agent: AgentId, wantedMs: number, self: boolean) {
    if (self) return { ok: true as const, rtt_ms: 0 };
    const link = links.toAgent(agent);
    if (!link) return { ok: false as const, error: 'probe failed: no link to the recipient' };
    const timeoutMs = Math.min(Math.max(wantedMs, PROBE_MIN_MS), PROBE_MAX_MS);
    const rtt = await link.probe(timeoutMs);
    return rtt === undefined
      ? { ok: false as const, error: `probe failed: no answer within ${timeoutMs} ms` }
      : { ok: true as const, rtt_ms: Math.round(rtt * 1_000) / 1_000 };
  }
}

export function shownMessage(message: InboxMessage) {
  return {
    sender: message.sender,
    machine_id: message.machine,
    payload: message.payload,
    received_at: message.receivedAt,
    verified: true,
    trust_decision: message.decision,
  };
}
