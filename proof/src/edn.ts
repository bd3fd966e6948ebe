/**
 * A journal as a history of operations in EDN, one map a line, as Jepsen's checkers (Knossos, Elle) read it:
 * `{:index 0, :time 5000000, :type :invoke, :process 0, :f :messaging.publish, :value {…}, :node "alice", :seq 7}`.
 */
import type { FaultLine, InvokeLine, JournalLine, ObserveLine } from './journal.ts';
import type { Json } from './json.ts';
import { LOGS } from './picture/picture.ts';

const keywordName = /^[A-Za-z][\w.*+!?-]*$/;
const longest = 2 ** 63;
const nanosecondsPerMs = 1_000_000;

/** An EDN keyword. */
class Keyword {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
type Edn = Json | Keyword | undefined;

function keyword(name: string): Keyword | string {
  return keywordName.test(name) ? new Keyword(name) : name;
}

/** A JSON value in EDN; the keys of its maps stay strings. */
export function ednOf(value: Edn): string {
  if (value === undefined || value === null) return 'nil';
  if (value instanceof Keyword) return `:${value.name}`;
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) >= longest ? `${BigInt(value)}N` : String(value);
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(ednOf).join(' ')}]`;
  return `{${Object.entries(value as Record<string, Json>).map(([key, item]) => `${ednOf(key)} ${ednOf(item)}`).join(', ')}}`; // prettier-ignore
}

/** Turns lines into EDN. A line that is no part of a history gives nothing. */
export class EdnHistory {
  /** open operations by id, with the process that was made for them */
  readonly #open = new Map<string, { readonly invoke: InvokeLine; readonly process: number }>();
  /** processes of a node that have nothing to do */
  readonly #idle = new Map<string, number[]>();
  #processes = 0;
  #index = 0;

  /** With its newline, or empty. */
  line(line: JournalLine): string {
    switch (line.type) {
      case 'invoke':
        return this.#invoke(line);
      case 'ok':
      case 'fail':
      case 'info': {
        const open = this.#open.get(line.id);
        if (!open) return '';
        this.#open.delete(line.id);
        const { invoke, process } = open;
        // One that may still happen keeps its process for good.
        if (line.type !== 'info') this.#idle.get(invoke.process)!.push(process);
        const value = line.output ?? invoke.input;
        return this.#entry(line, line.type, process, invoke.op, value, { node: invoke.process, status: line.status, error: line.error });
      }
      case 'fault':
        return this.#fault(line);
      case 'observe':
        // What nodes say in their logs is for people.
        return line.stream === LOGS ? '' : this.#observe(line);
      default:
        return '';
    }
  }

  #invoke(line: InvokeLine): string {
    const idle = this.#idle.get(line.process) ?? [];
    this.#idle.set(line.process, idle);
    const process = idle.pop() ?? this.#processes++;
    this.#open.set(line.id, { invoke: line, process });
    return this.#entry(line, 'invoke', process, line.op, line.input, { node: line.process, surface: line.surface });
  }

  #fault(line: FaultLine): string {
    return this.#entry(line, 'info', new Keyword('nemesis'), line.kind, line.stage, { node: line.node, fault: line.id, evidence: line.evidence });
  }

  #observe(line: ObserveLine): string {
    return this.#entry(line, 'info', new Keyword('observer'), line.event, line.data, { node: line.node, stream: line.stream });
  }

  #entry(
    { seq, t }: JournalLine,
    type: string,
    process: number | Keyword,
    f: string,
    value: Json,
    extra: Readonly<Record<string, Json | undefined>>,
  ): string {
    const members: [string, Edn][] = [
      ['index', this.#index++],
      ['time', Math.round(t * nanosecondsPerMs)],
      ['type', new Keyword(type)],
      ['process', process],
      ['f', keyword(f) as Edn],
      ['value', value],
      ...Object.entries(extra).filter(([, given]) => given !== undefined),
      ['seq', seq],
    ];
    return `{${members.map(([key, member]) => `:${key} ${ednOf(member)}`).join(', ')}}\n`;
  }
}
