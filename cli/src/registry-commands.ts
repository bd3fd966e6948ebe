/** Commands made from the registry: one for each capability that has a command-line form. */
import {
  type Capability,
  type CliArgument,
  type CliForm,
  cliForm,
  cliOptions,
  coreSchema,
  type InputField,
  inputFields,
  registry,
} from '@muster/contract';
import { Argument, Command, Option } from 'commander';
import { commandInput, FILE_FIELDS, type Input, type Typed } from './command-input.ts';
import { closest } from './closest.ts';

/** Calls a capability with the input that was typed. */
export type Invoke = (capability: Capability, form: CliForm, input: Input, command: Command) => Promise<void>;

/** A command that does something beyond the call of its capability, by the capability's name. */
export type Instead = Readonly<Record<string, Invoke>>;

export function addRegistryCommands(program: Command, invoke: Invoke, instead: Instead = {}): void {
  for (const capability of Object.values<Capability>(registry)) {
    const form = cliForm(capability);
    if (!form) continue;
    const call = instead[capability.name] ?? invoke;
    for (const spelling of [form.command, ...(form.aliases ?? [])]) {
      define(commandAt(program, spelling.split(' '), spelling !== form.command), capability, form, call);
    }
  }
  describeGroups(program);
}

/** The command of these words below `parent`, made with its groups where there is none yet. */
function commandAt(parent: Command, words: readonly string[], hidden: boolean): Command {
  return words.reduce((at, word) => at.commands.find((known) => known.name() === word) ?? added(at, word, hidden), parent);
}

function added(parent: Command, word: string, hidden: boolean): Command {
  parent.command(word, { hidden });
  return parent.commands.at(-1)!;
}

/** Fills in one command. */
export function define(command: Command, capability: Capability, form: CliForm, invoke: Invoke): void {
  const route = `${capability.method} ${capability.path}`;
  command.summary(`${capability.summary}  [${route}]`);
  const follows = form.follow === undefined ? '' : '\nPrints what comes until it is interrupted, and takes it back then.';
  command.description(`${capability.summary}${follows}\n\n  ${route}`);
  const fields = new Map(inputFields(capability).map((field) => [field.name, field]));
  const takesFile = form.arguments?.some((argument) => argument.as === 'file') ?? false;
  const options = cliOptions(capability)
    .filter(({ field }) => !(takesFile && FILE_FIELDS.includes(field.name)))
    .map(({ flag, field, required }) => ({ field: field.name, required, option: commandOption(flag, field, form.defaults?.[field.name], required) }));
  const positionals = (form.arguments ?? []).map((argument) => new Positional(argument, fields.get(argument.field)));
  // Empty where there is nothing to give: then commander says that the command is a group.
  command.usage(
    [...positionals.map(({ term }) => term), ...options.map(({ option, required }) => (required ? option.flags : `[${option.flags}]`))].join(' '),
  );
  if (form.aliases) command.addHelpText('after', `\nAlso: ${form.aliases.map((alias) => `muster ${alias}`).join(', ')}`);
  for (const positional of positionals) command.addArgument(positional);
  for (const { option } of options) command.addOption(option);
  for (const flag of form.accepted ?? []) command.addOption(new Option(`--${flag}`).hideHelp());
  // Counted here: a command may also be a group, and what is missing is named as the API names it.
  command.allowExcessArguments(true);
  command.action(async (...parts: unknown[]) => {
    refuseMissing(command, form.arguments ?? []);
    refuseExcess(command, form.arguments ?? []);
    const typed = command.opts<Readonly<Record<string, Typed>>>();
    const named = Object.fromEntries(options.map(({ field, option }) => [field, typed[option.attributeName()]]));
    const positional = parts.slice(0, form.arguments?.length ?? 0) as Typed[];
    await invoke(capability, form, await commandInput(capability, form, positional, named), command);
  });
}

/** Missing ones are refused by this program, not by commander, which takes every one for optional. */
class Positional extends Argument {
  /** in the help */
  readonly term: string;

  constructor({ label, as, optional }: CliArgument, field: InputField | undefined) {
    const name = as === 'rest' ? `${label}...` : label;
    // Shown and completed, but judged by the contract: its words are taken in any case.
    const choices = field && choicesOf(field);
    super(`[${name}]`, as === 'text' ? 'text' : field && aboutOf(field, choices));
    this.term = optional ? `[${name}]` : `<${name}>`;
    if (choices) this.argChoices = choices;
  }
}

/** `<NEEDED>`, `[OPTIONAL]`, in the help of any command. */
export function argumentTerm(argument: Argument): string {
  if (argument instanceof Positional) return argument.term;
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function commandOption(flag: string, field: InputField, fallback: string | undefined, required: boolean): Option {
  const standard = fallback ?? field.default;
  const notes = [required ? 'required' : '', standard === undefined || standard === false ? '' : `default: ${String(standard)}`].filter(Boolean);
  const choices = choicesOf(field);
  const about = [aboutOf(field, choices), notes.length > 0 ? `(${notes.join(', ')})` : ''].filter(Boolean).join(' ');
  const option = new Option(field.type === 'boolean' ? `--${flag}` : `--${flag} <${field.name.toUpperCase()}>`, about);
  if (choices) option.argChoices = choices;
  return option;
}

/** The list of choices is printed by itself. */
function aboutOf(field: InputField, choices: readonly string[] | undefined): string {
  return choices ? field.description.replace(choices.join(', '), '').replace(/; $/u, '') : field.description;
}

/** The words that a field takes, where its schema lists them. */
export function choicesOf(field: InputField): string[] | undefined {
  const schema: unknown = coreSchema(field.schema);
  const last = hasKey(schema, 'out') ? schema.out : schema;
  return hasKey(last, 'options') && Array.isArray(last.options) ? last.options.map(String) : undefined;
}

function hasKey<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && key in value;
}

function refuseMissing(command: Command, declared: readonly CliArgument[]): void {
  const missing = declared[command.args.length];
  if (missing === undefined || missing.optional) return;
  command.error(`error: missing required argument '${missing.label}' (${missing.field})`, { code: 'commander.missingArgument' });
}

function refuseExcess(command: Command, declared: readonly CliArgument[]): void {
  if (declared.some((argument) => argument.as === 'rest') || command.args.length <= declared.length) return;
  const extra = command.args[declared.length]!;
  if (command.commands.length === 0) {
    command.error(`error: too many arguments for '${command.name()}': ${command.args.slice(declared.length).join(' ')}`, {
      code: 'commander.excessArguments',
    });
  }
  const near = closest(
    extra,
    command.commands.map((inner) => inner.name()),
  );
  command.error(`error: unknown command '${extra}'${near === undefined ? '' : `\n(Did you mean ${near}?)`}`, { code: 'commander.unknownCommand' });
}

/** A group has no text of its own in the registry: it is described by what is in it. */
function describeGroups(command: Command): void {
  for (const inner of command.commands) {
    describeGroups(inner);
    const names = inner.commands.map((each) => each.name()).join(', ');
    if (inner.description() === '' && names !== '') inner.description(names);
  }
}
