/** Commands that look for an agent by its words or its id. */
import type { Command } from 'commander';
import { globalsOf } from './globals.ts';

type Ends = (work: Promise<number>) => Promise<void>;

const WHO = ['<WORDS...>', 'four words as `muster agent introduction` tells them, or an agent id'] as const;
const WORDS_ARE_LOCAL = 'Words are looked up among the agents that this daemon knows; an id is asked of the network.';

export function addFindCommands(program: Command, ends: Ends): void {
  program
    .command('find')
    .summary('look for an agent by its four words or its id, and say what was tried')
    .description(
      `Look for an agent: in what this daemon knows, by asking the agent itself, and by asking those who keep its rendezvous record.\n${WORDS_ARE_LOCAL}\n\n` +
        '  POST /agents/find/:agent_id\n  exit status: 0 found · 1 not found · 2 no daemon',
    )
    .argument(...WHO)
    .action(async (typed: string[], _options, command: Command) => {
      const { find } = await import('./find/find.ts');
      await ends(find({ typed, ...globalsOf(command) }));
    });

  program
    .command('connect')
    .summary('find an agent by its four words or its id, dial it, and say what was tried')
    .description(
      `Find an agent and make a link with it.\n${WORDS_ARE_LOCAL}\n\n` +
        '  POST /agents/find/:agent_id, POST /agents/connect\n  exit status: 0 connected · 1 not connected · 2 no daemon',
    )
    .argument(...WHO)
    .action(async (typed: string[], _options, command: Command) => {
      const { connect } = await import('./find/find.ts');
      await ends(connect({ typed, ...globalsOf(command) }));
    });
}
