/** Commands about the instances of this user on this machine. */
import type { Command } from 'commander';
import { globalsOf } from './globals.ts';

type Ends = (work: Promise<number>) => Promise<void>;

export function addHostCommands(program: Command, ends: Ends): void {
  program
    .command('instances')
    .summary('list the instances on this machine, running or not')
    .description('List the instances of this user on this machine, running or not.\n\n  no API call')
    .action(async (_options, command: Command) => {
      const { printInstances } = await import('./list-instances.ts');
      await ends(printInstances(globalsOf(command).json));
    });

  program
    .command('gui')
    .summary('show the node in a browser')
    .description(
      'Open the page of the node in a browser, and print its address. The page gets its token from the node, which hands it only to a browser ' +
        'of the same user on the same machine.\n\n  GET /gui',
    )
    .option('--no-open', 'only print the address')
    .action(async ({ open }: { open: boolean }, command: Command) => {
      const { openGui } = await import('./open-gui.ts');
      const { json, name, api } = globalsOf(command);
      await ends(openGui({ json, name, api, open }));
    });

  program
    .command('doctor')
    .summary('check an instance and its machine, and say what to do')
    .description(
      'Ten checks of an instance and its machine, each with what to do about it. Nothing is changed.\n\n' +
        '  no API call of its own\n  exit status: 0 no problem · 1 a problem · 2 the daemon is not running, and that is all',
    )
    .option('--config <FILE>', 'configuration (TOML) instead of its own; must exist')
    .action(async ({ config }: { config?: string }, command: Command) => {
      const { doctor } = await import('./doctor/doctor.ts');
      const { json, name } = globalsOf(command);
      await ends(doctor({ name, config, json }));
    });

  program
    .command('autostart')
    .summary('have the daemon started at login')
    .description(
      'Write a service of this user (systemd or launchd) that starts the daemon of an instance at login, and enable it where that works.\n\n  no API call',
    )
    .option('--remove', 'stop it, and remove the service')
    .action(async ({ remove = false }: { remove?: boolean }, command: Command) => {
      const { autostart } = await import('./autostart/autostart.ts');
      const { json, name } = globalsOf(command);
      await ends(autostart({ name, remove, json }));
    });

  program
    .command('uninstall')
    .summary('stop every instance, and take back what was set up; data and keys stay')
    .description(
      'Stop every instance of this user on this machine, and remove autostart services and completion scripts. Data and keys stay.\n\n' +
        '  no API call of its own',
    )
    .action(async (_options, command: Command) => {
      const { uninstall } = await import('./uninstall.ts');
      await ends(uninstall(globalsOf(command)));
    });

  program
    .command('purge')
    .summary('delete the data and the identity of an instance')
    .description('Delete the data and the identity of an instance that does not run, after showing what goes and what stays.\n\n  no API call')
    .option('--yes', 'do not ask')
    .action(async ({ yes = false }: { yes?: boolean }, command: Command) => {
      const { purge } = await import('./purge.ts');
      const { json, name } = globalsOf(command);
      await ends(purge({ name, yes, json }));
    });
}
