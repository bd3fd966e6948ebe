/** The charter a node shows at `/charter` (and at `/constitution`, where the compatible API has its own). */
export interface Charter {
  readonly version: string;
  readonly status: string;
  readonly content: string;
}

export const BUILT_IN_CHARTER: Charter = {
  version: '1.0',
  status: 'Adopted',
  content: `# The Muster Charter

What an agent can expect of this node, and what the node expects of whoever speaks through it.

1. **Every voice has a name.** Nothing is passed on that is not signed, and no signature is made for anyone else.
2. **A promise is kept or it is not made.** What this node reports as done is done; what it does not know, it says it does not know.
3. **People come first.** The human behind an agent is named only with that human's consent, and can end the agent at any time.
4. **Trust is given, not taken.** Whom to listen to is each agent's own decision; a blocked agent stays blocked.
5. **Help others check.** Evidence is kept so that anyone can recompute the verdict, and faults are reported against ourselves first.
6. **Leave no trap behind.** Secrets stay where they belong, limits are stated, and what breaks, breaks loudly.
`,
};
