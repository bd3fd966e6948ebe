import type { Answer, Packet, Question } from 'dns-packet';
import type { Self } from '../ports/index.ts';

const SERVICE = '_muster._udp.local';
/** Records that name a host live for 120 s (RFC 6762 §10). */
const TTL_S = 120;
const ID = /^[0-9a-f]{64}$/;
/** instance tokens are ours, but anybody on the LAN may send one */
const TOKEN = /^[0-9a-f-]{1,64}$/;
/** a packet of ours holds three */
const MAX_RECORDS = 64;

/** A node of our network, as a packet tells of it. */
export interface Sighting {
  readonly machine: string;
  readonly port: number;
  /** another one at each start of the node */
  readonly instance: string;
  /** seconds; 0 = it is leaving */
  readonly ttl: number;
}

/** Subtype of DNS-SD (RFC 6763 §7.1) that only nodes of one network ask for and answer. */
export function networkName(network: string): string {
  return `_${network.slice(0, 16)}._sub.${SERVICE}`;
}

/** PTR, SRV and TXT of one node; `leaving` makes them a goodbye (RFC 6762 §10.1). */
export function recordsOf({ network, machine }: Self, port: number, instance: string, leaving = false): Answer[] {
  const ttl = leaving ? 0 : TTL_S;
  const name = instanceName(machine);
  return [
    pointerTo(network, machine, ttl),
    { type: 'SRV', name, ttl, flush: true, data: { port, target: `${machine.slice(0, 32)}.local`, priority: 0, weight: 0 } },
    { type: 'TXT', name, ttl, flush: true, data: [`m=${machine}`, `n=${network}`, `i=${instance}`] },
  ];
}

/** What a node asks. It names itself as a known answer (RFC 6762 §7.1), so that it does not answer its own question. */
export function questionOf({ network, machine }: Self): { questions: Question[]; answers: Answer[] } {
  return { questions: [{ name: networkName(network), type: 'PTR' }], answers: [pointerTo(network, machine, TTL_S)] };
}

/** Whether a query is one for the nodes of our network that does not know us yet. */
export function asksFor({ network, machine }: Self, { questions = [], answers = [] }: Packet): boolean {
  const wanted = networkName(network);
  const asked = questions.slice(0, MAX_RECORDS).some(({ name, type }) => ['PTR', 'ANY'].includes(type) && name.toLowerCase() === wanted);
  return asked && !answers.slice(0, MAX_RECORDS).some((known) => known.type === 'PTR' && known.data === instanceName(machine));
}

const instanceName = (machine: string): string => `${machine.slice(0, 32)}.${SERVICE}`;

function pointerTo(network: string, machine: string, ttl: number): Answer {
  return { type: 'PTR', name: networkName(network), ttl, data: instanceName(machine) };
}

/** Every well-formed node of `network` in a response; whatever else is in it is skipped. */
export function sightings(network: string, packet: Packet): Sighting[] {
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, MAX_RECORDS);
  const found: Sighting[] = [];
  for (const record of records) {
    if (record.type !== 'TXT' || !record.name.toLowerCase().endsWith(`.${SERVICE}`)) continue;
    const fields = txtFields(record.data);
    const [machine, instance] = [fields.get('m') ?? '', fields.get('i') ?? ''];
    const service = records.find((other) => other.type === 'SRV' && other.name === record.name);
    const port = service?.type === 'SRV' ? service.data.port : 0;
    if (fields.get('n') === network && ID.test(machine) && TOKEN.test(instance) && port > 0)
      found.push({ machine, port, instance, ttl: record.ttl ?? 0 });
  }
  return found;
}

function txtFields(data: string | Buffer | (string | Buffer)[]): Map<string, string> {
  const texts = (Array.isArray(data) ? data : [data]).map(String).filter((text) => text.includes('='));
  return new Map(texts.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]));
}
