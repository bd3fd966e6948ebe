/** The API tokens of a world's nodes, whoever says them: none stands in evidence. */
import { Redactor } from '@muster/proof';
import { type NodeHome, readToken } from './node-home.ts';

/** characters that tell a token from any word; one that is being written is none yet */
const SHORTEST = 8;

export class Tokens {
  readonly #redactor = new Redactor();
  readonly #known = new Set<string>();
  /** daemons that may write themselves one any moment, before they answer with it */
  readonly #awaited = new Set<NodeHome>();

  /** Its daemon begins a life. */
  expect(home: NodeHome): void {
    this.#awaited.add(home);
  }

  /** Its daemon answers, and this is its token. */
  known(home: NodeHome, token: string): void {
    this.#awaited.delete(home);
    this.#add(token);
  }

  /** The text without any token that could be read before it was said. */
  text(text: string): string {
    for (const home of this.#awaited) this.#add(readToken(home));
    return this.#redactor.text(text);
  }

  #add(token: string | undefined): void {
    if (token === undefined || token.length < SHORTEST || this.#known.has(token)) return;
    this.#known.add(token);
    this.#redactor.add(token);
  }
}
