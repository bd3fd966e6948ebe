/** `muster find` and `muster connect`: looks for an agent stage by stage, and says what was tried. */
import type { Client } from '@muster/client';
import { registry } from '@muster/contract';
import { exchange } from '../capability-call.ts';
import { connect as connectToDaemon, explain, type Target } from '../connection.ts';
import { EXIT_FAILED, Failure } from '../failure.ts';
import { printJson, printLine } from '../output.ts';
import { type Who, whoIs } from './who.ts';

interface Request extends Target {
  /** an id, or words */
  readonly typed: readonly string[];
  readonly json: boolean;
}

interface Search {
  readonly found: boolean;
  readonly addresses?: readonly string[];
  readonly tried: readonly string[];
}

interface Dial {
  readonly outcome: 'Direct' | 'Coordinated' | 'AlreadyConnected' | 'Unreachable' | 'NotFound';
  readonly addr: string | null;
}

/** What is asked in each stage, for people. */
const STAGES: Readonly<Record<string, string>> = {
  cache: 'what this daemon knows',
  shard: 'the agent itself, through the network',
  rendezvous: 'those who keep what it left about itself',
};

/** Resolves with the exit code: 0 when it is found. @throws Failure */
export function find(request: Request): Promise<number> {
  return withDaemon(request, async (client) => {
    const who = await whoIs(client, request.typed);
    const search = await look(client, who, request.json);
    if (request.json) await printJson({ ok: true, agent_id: who.agent, words: who.words, ...search });
    return search.found ? 0 : EXIT_FAILED;
  });
}

/** Resolves with the exit code: 0 when there is a link. @throws Failure */
export function connect(request: Request): Promise<number> {
  return withDaemon(request, async (client) => {
    const who = await whoIs(client, request.typed);
    const search = await look(client, who, request.json);
    if (who.self) throw new Failure('not connected: this is the agent of this daemon itself');
    const dial = (await exchange(client, registry['direct.connect'], { agent_id: who.agent })) as Dial;
    const linked = dial.addr !== null && dial.outcome !== 'Unreachable';
    if (request.json)
      await printJson({ ok: true, agent_id: who.agent, words: who.words, ...search, connected: linked, outcome: dial.outcome, addr: dial.addr });
    else await printLine(spoken(dial, search));
    return linked ? 0 : EXIT_FAILED;
  });
}

async function withDaemon(request: Request, work: (client: Client) => Promise<number>): Promise<number> {
  await using client = await connectToDaemon(request);
  try {
    return await work(client);
  } catch (error) {
    throw explain(error, request);
  }
}

async function look(client: Client, who: Who, json: boolean): Promise<Search> {
  if (!json) await printLine(`${who.words}  ${who.agent}  ${who.self ? 'this agent itself' : who.standing}`);
  const answer = (await exchange(client, registry['discovery.find'], { agent_id: who.agent })) as Search & { ok: boolean };
  const search: Search = { found: answer.found, tried: answer.tried, ...(answer.found && { addresses: answer.addresses ?? [] }) };
  if (json) return search;
  for (const [index, stage] of search.tried.entries()) {
    const last = index === search.tried.length - 1;
    await printLine(`${stage.padEnd(10)}  ${last && search.found ? `found, ${where(search)}` : 'not there'}  (${STAGES[stage] ?? stage})`);
  }
  if (!search.found) await printLine(search.tried.length === 1 ? 'not found: there is no link to ask anybody over' : 'not found');
  return search;
}

function where({ addresses = [] }: Search): string {
  return addresses.length === 0 ? 'without a public address: reached through the network only' : `at ${addresses.join(', ')}`;
}

function spoken({ outcome, addr }: Dial, { addresses = [] }: Search): string {
  switch (outcome) {
    case 'AlreadyConnected':
      return `connected already, at ${addr}`;
    case 'Direct':
      return `connected, at ${addr}`;
    case 'Coordinated':
      return `connected with the help of others, at ${addr}`;
    case 'Unreachable':
      return `not connected: nobody answered at ${addresses.length > 0 ? addresses.join(', ') : 'the addresses that are known'}`;
    case 'NotFound':
      return 'not connected: no address to dial is known';
  }
}
