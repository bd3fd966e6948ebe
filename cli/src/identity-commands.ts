/** Commands about keys. They work on files: keys never travel over the API. */
import type { Command } from 'commander';
import { globalsOf } from './globals.ts';

type Ends = (work: Promise<number>) => Promise<void>;

export function addIdentityCommands(program: Command, ends: Ends): void {
  const identity = program.command('identity').description('export, import, user-key');
  const passphraseFile = ['--passphrase-file <FILE>', 'read the passphrase there (mode 0600) instead of asking for it'] as const;

  identity
    .command('export')
    .summary('seal the keys of an instance with a passphrase, in one file')
    .description(
      'Seal the keys of an instance (machine, agent, and user when configured) with a passphrase, in a new file.\n' +
        'argon2id with 64 MiB and 3 passes, AES-256-GCM.\n\n  no API call',
    )
    .argument('<FILE>', 'must not exist')
    .option(...passphraseFile)
    .action(async (file: string, given: { passphraseFile?: string }, command: Command) => {
      const { exportIdentity } = await import('./identity/export.ts');
      const { json, name } = globalsOf(command);
      await ends(exportIdentity({ name, file, passphraseFile: given.passphraseFile, json }));
    });

  identity
    .command('import')
    .summary('give an instance without keys those of an exported identity')
    .description('Give an instance without keys those of an exported identity. Nothing is ever overwritten.\n\n  no API call')
    .argument('<FILE>', 'as exported')
    .option(...passphraseFile)
    .action(async (file: string, given: { passphraseFile?: string }, command: Command) => {
      const { importIdentity } = await import('./identity/import.ts');
      const { json, name } = globalsOf(command);
      await ends(importIdentity({ name, file, passphraseFile: given.passphraseFile, json }));
    });

  identity
    .command('user-key')
    .summary('make a key for the human behind agents')
    .description('Make a key for the human behind agents, and say which line of the configuration names it.\n\n  no API call')
    .argument('<FILE>', 'must not exist')
    .action(async (file: string, _options, command: Command) => {
      const { createUserKey } = await import('./identity/user-key.ts');
      const { json, name } = globalsOf(command);
      await ends(createUserKey({ name, file, json }));
    });
}
