/** What there is to call: the registry and the command tree, printed. */
import { type Capability, cliForm, cliUsage, registry } from '@muster/contract';
import type { Command } from 'commander';
import { columns, printJson, printLine } from './output.ts';
import { renderTable } from './render.ts';

/** One row per capability; without a command, `why_not` says why. */
export async function printRoutes(json: boolean): Promise<void> {
  const routes = Object.values<Capability>(registry).map((capability) => {
    const { name, method, path, aliases = [], auth, shape, summary, surfaces } = capability;
    const command = cliForm(capability) ? `muster ${cliUsage(capability)}` : null;
    const whyNot = 'absent' in surfaces.cli ? surfaces.cli.absent : null;
    return { name, method, path, aliases, auth, shape, summary, command, why_not: whyNot };
  });
  if (json) await printJson(routes);
  else
    await printLine(
      renderTable(
        routes.map(({ method, path, command, summary }) => ({ method, path, command, summary })),
        columns(),
      ).join('\n'),
    );
}

export async function printTree(program: Command): Promise<void> {
  await printLine([program.name(), ...branches(program, '')].join('\n'));
}

function branches(command: Command, indent: string): string[] {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  return visible.flatMap((each, index) => {
    const last = index === visible.length - 1;
    return [`${indent}${last ? '└─' : '├─'} ${each.name()}`, ...branches(each, `${indent}${last ? '   ' : '│  '}`)];
  });
}
