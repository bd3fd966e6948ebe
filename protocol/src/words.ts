/** Words for people to read an id aloud. 44 bits can be searched for a collision: a display form, never an identity. */
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { idBytes } from './ids.ts';
import type { AgentId, MachineId, UserId } from './ids.ts';

const WORDS = 4;
const BITS_PER_WORD = 11n;

/** Four words for the first 44 bits of the id, from the 2,048 of BIP-39's English list, separated by spaces. */
export function fourWords(id: AgentId | MachineId | UserId): string {
  let bits = 0n;
  for (const byte of idBytes(id).subarray(0, 6)) bits = (bits << 8n) | BigInt(byte);
  bits >>= 4n;
  const words: string[] = [];
  for (let n = WORDS - 1; n >= 0; n--) words.push(wordlist[Number((bits >> (BigInt(n) * BITS_PER_WORD)) & 2047n)]!);
  return words.join(' ');
}

/** `agent words`, or `agent words @ user words` when there is a user. */
export function identityWords(agent: AgentId, user?: UserId): string {
  return user === undefined ? fourWords(agent) : `${fourWords(agent)} @ ${fourWords(user)}`;
}

/** Whether the typed words are those of the agent (and user, when eight are typed); case and separators do not matter. */
export function matchesWords(words: string, agent: AgentId, user?: UserId): boolean {
  const typed = words.toLowerCase().match(/[a-z]+/g) ?? [];
  if (typed.length === WORDS) return typed.join(' ') === fourWords(agent);
  return user !== undefined && typed.length === 2 * WORDS && typed.join(' ') === `${fourWords(agent)} ${fourWords(user)}`;
}
