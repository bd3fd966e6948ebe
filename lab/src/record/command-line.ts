/** The command line that says on the CLI what an input says on REST. */
import { type Capability, cliForm, cliOptions } from '@muster/contract';

/** @throws when the capability has no command, or a field cannot be said on it */
export function commandLine(capability: Capability, input: Readonly<Record<string, unknown>>): string[] {
  const form = cliForm(capability);
  if (!form) throw new Error(`${capability.name} has no command`);
  const positional: string[] = [];
  let rest: string[] = [];
  const left = new Set(Object.keys(input).filter((field) => input[field] !== undefined));
  for (const { field, as = 'value' } of form.arguments ?? []) {
    if (!left.delete(field)) continue;
    const value = input[field];
    if (as === 'rest') rest = ['--', ...(value as string[])];
    else if (as === 'file') throw new Error(`${capability.name}: a file argument needs a path, not an input`);
    else positional.push(as === 'text' ? Buffer.from(String(value), 'base64').toString('utf8') : String(value));
  }
  const options: string[] = [];
  for (const { flag, field } of cliOptions(capability)) {
    if (!left.delete(field.name)) continue;
    const value = input[field.name];
    if (value === true) options.push(`--${flag}`);
    else if (value !== false) options.push(`--${flag}`, String(value));
  }
  if (left.size > 0) throw new Error(`${capability.name}: the command has no way to say ${[...left].join(', ')}`);
  // Options first: a positional that begins with a dash is then still one.
  const guarded = positional.some((value) => value.startsWith('-')) ? ['--', ...positional] : positional;
  return [...form.command.split(' '), ...options, ...guarded, ...rest];
}
