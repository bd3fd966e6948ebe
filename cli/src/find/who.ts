/** Which agent is meant: by its id, or by the four words that people read aloud. */
import type { Client } from '@muster/client';
import { registry } from '@muster/contract';
import { fourWords, matchesWords, parseAgentId } from '@muster/protocol';
import type { AgentId, UserId } from '@muster/protocol';
import { exchange } from '../capability-call.ts';
import { Failure } from '../failure.ts';

export interface Who {
  readonly agent: AgentId;
  readonly words: string;
  /** the agent of this daemon itself */
  readonly self: boolean;
  /** how far it is trusted here, and its label: `known "Bob"` */
  readonly standing: string;
}

interface Contact {
  readonly agent_id: AgentId;
  readonly trust_level: string;
  readonly label: string | null;
}

const ID = /^[0-9a-f]{64}$/iu;
const WORDS = 4;

/**
 * Words are looked up among the agents that this daemon knows: they are too short to be asked of strangers, who could have made an agent to fit.
 * @throws Failure when they are no words of an agent, of nobody known, or of several
 */
export async function whoIs(client: Client, typed: readonly string[]): Promise<Who> {
  const text = typed.join(' ').trim();
  const count = (text.match(/[A-Za-z]+/gu) ?? []).length;
  const id = ID.test(text) ? parseAgentId(text) : undefined;
  if (!id && (/[0-9]/u.test(text) || (count !== WORDS && count !== 2 * WORDS)))
    throw new Failure('expected an agent id (64 hex characters), or the four words of an agent (eight with those of its user)');
  const [own, contacts, discovered] = await Promise.all([
    exchange(client, registry['identity.get'], {}) as Promise<{ agent_id: AgentId; user_id: UserId | null }>,
    exchange(client, registry['contacts.list'], {}) as Promise<{ contacts: Contact[] }>,
    exchange(client, registry['discovery.agents'], { unfiltered: true }) as Promise<{ agents: { agent_id: AgentId; user_id: UserId | null }[] }>,
  ]);
  const users = new Map<AgentId, UserId | undefined>([
    ...contacts.contacts.map(({ agent_id }) => [agent_id, undefined] as const),
    ...[...discovered.agents, own].map(({ agent_id, user_id }) => [agent_id, user_id ?? undefined] as const),
  ]);
  const meant = id ? [id] : [...users].filter(([agent, user]) => matchesWords(text, agent, user)).map(([agent]) => agent);
  const [agent] = meant;
  if (!agent) throw new Failure(`no agent that this daemon knows has the words ${JSON.stringify(text)}; use its id, or import its card first`);
  if (meant.length > 1)
    throw new Failure(`${meant.length} agents have the words ${JSON.stringify(text)}; use the id of the one you mean:\n  ${meant.join('\n  ')}`, 1, {
      ok: false,
      error: 'several agents have these words',
      agents: meant,
    });
  const contact = contacts.contacts.find(({ agent_id }) => agent_id === agent);
  const trust = contact?.trust_level ?? 'unknown';
  const label = contact?.label ?? null;
  const standing = label === null ? trust : `${trust} ${JSON.stringify(label)}`;
  return { agent, words: fourWords(agent), self: agent === own.agent_id, standing };
}
