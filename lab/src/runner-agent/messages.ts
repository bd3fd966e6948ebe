/**
 * What in-network test runners say to one another, as direct messages:
 * `x0xtest|cmd|<base64 JSON>`, `x0xtest|res|<base64 JSON>`, `x0xtest|hop|<request id>|<digest>|<anchor agent id>|<payload>`.
 */
import { blake3 } from '@noble/hashes/blake3.js';
import * as z from 'zod';

export const DISCOVER_TOPIC = 'x0x.test.discover.v1';
export const CONTROL_TOPIC = 'x0x.test.control.v1';
/** where a result goes when it cannot be delivered as a message */
export const RESULTS_TOPIC = 'x0x.test.results.v1';

const PREFIX = 'x0xtest';
const agentId = z.string().regex(/^[0-9a-f]{64}$/);

const command = z.looseObject({
  command_id: z.string().min(1),
  /** name or agent id of the runner's node; empty: whoever gets it */
  target_node: z.string().default(''),
  /** `discover`, `send_dm`, `noop_ack` */
  action: z.string(),
  /** whom to report to */
  anchor_aid: agentId,
  params: z.record(z.string(), z.unknown()).default({}),
});
export type RunnerCommand = z.output<typeof command>;

const resultKinds = ['runner_ready', 'discover_reply', 'send_result', 'received_dm', 'ack', 'error'] as const;
const result = z.looseObject({
  command_id: z.string().nullable(),
  request_id: z.string().nullable(),
  /** the reporting runner's name */
  node: z.string(),
  kind: z.enum(resultKinds),
  outcome: z.string(),
  agent_id: agentId,
  machine_id: z.string(),
  digest_marker: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
  ts_ms: z.number(),
});
export type RunnerResult = z.output<typeof result>;

export interface RunnerHop {
  readonly requestId: string;
  /** as the sender computed it */
  readonly digest: string;
  readonly anchor: string;
  readonly payload: Uint8Array;
}

export type RunnerMessage =
  | { readonly kind: 'cmd'; readonly command: RunnerCommand }
  | { readonly kind: 'res'; readonly result: RunnerResult }
  | { readonly kind: 'hop'; readonly hop: RunnerHop };

/** First 16 hex of BLAKE3(payload): equal at sender and receiver, whatever the timing. */
export function digestMarker(payload: Uint8Array): string {
  return Buffer.from(blake3(payload).subarray(0, 8)).toString('hex');
}

export function encodeCommand(value: RunnerCommand): Uint8Array {
  return encodeJson('cmd', value);
}

export function encodeResult(value: RunnerResult): Uint8Array {
  return encodeJson('res', value);
}

export function encodeHop({ requestId, digest, anchor, payload }: RunnerHop): Uint8Array {
  if (requestId.includes('|')) throw new RangeError('a request id holds no |');
  return Buffer.concat([Buffer.from(`${PREFIX}|hop|${requestId}|${digest}|${anchor}|`), payload]);
}

function encodeJson(kind: string, value: unknown): Uint8Array {
  return Buffer.from(`${PREFIX}|${kind}|${Buffer.from(JSON.stringify(value)).toString('base64')}`);
}

/** undefined for anything that is no message of this protocol: other traffic is none of a runner's business. */
export function decodeMessage(bytes: Uint8Array): RunnerMessage | undefined {
  // One character a byte, so that the payload of a hop is found again as it was.
  const [prefix, kind, ...fields] = Buffer.from(bytes).toString('latin1').split('|');
  if (prefix !== PREFIX) return undefined;
  if (kind === 'cmd') {
    const parsed = command.safeParse(jsonOf(fields[0]));
    return parsed.success ? { kind, command: parsed.data } : undefined;
  }
  if (kind === 'res') {
    const parsed = result.safeParse(jsonOf(fields[0]));
    return parsed.success ? { kind, result: parsed.data } : undefined;
  }
  if (kind !== 'hop' || fields.length < 4) return undefined;
  const [requestId, digest, anchor, ...payload] = fields as [string, string, string, ...string[]];
  if (!agentId.safeParse(anchor).success) return undefined;
  return { kind, hop: { requestId, digest, anchor, payload: Buffer.from(payload.join('|'), 'latin1') } };
}

function jsonOf(base64: string | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(base64 ?? '', 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}
