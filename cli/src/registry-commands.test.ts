import { badInputs, type Capability, cliForm, cliOptions, exampleInput, inputFields, registry } from '@muster/contract';
import { commandLine } from '@muster/lab';
import * as fc from 'fast-check';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { type Input, refusalOf } from './command-input.ts';
import { buildProgram } from './program.ts';
import { choicesOf, define } from './registry-commands.ts';

const commands = Object.values<Capability>(registry).filter((capability) => cliForm(capability) !== undefined);
/** Commands that do more than call their capability. */
const plain = commands.filter(({ name }) => name !== 'status.shutdown');

/** What a command line comes to. */
async function calls(args: readonly string[]): Promise<{ capability: string; input: Input }[]> {
  const called: { capability: string; input: Input }[] = [];
  const { command } = buildProgram({ invoke: async ({ name }, _form, input) => void called.push({ capability: name, input }) });
  silence(command);
  await command.parseAsync(args, { from: 'user' });
  return called;
}

function silence(command: Command): void {
  command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  for (const inner of command.commands) silence(inner);
}

function commandOf(capability: Capability): Command {
  const words = cliForm(capability)!.command.split(' ');
  return words.reduce((at, word) => at.commands.find((each) => each.name() === word)!, buildProgram().command);
}

/** As the API would get it: with what the command supplies by itself. */
function complete(capability: Capability, input: Input): Input {
  return { ...cliForm(capability)!.defaults, ...input };
}

describe.each(plain.map((capability) => [capability.name, capability] as const))('%s', (name, capability) => {
  it('calls its capability with every field that can be given', async () => {
    const every = Object.fromEntries(inputFields(capability).map((field) => [field.name, field.example]));
    expect(await calls(commandLine(capability, every))).toEqual([{ capability: name, input: every }]);
    expect(refusalOf(capability, every)).toBeUndefined();
  });

  it('needs no more than the required fields', async () => {
    const least = exampleInput(capability);
    const [call] = await calls(commandLine(capability, least));
    expect(call).toEqual({ capability: name, input: complete(capability, least) });
    expect(refusalOf(capability, call!.input)).toBeUndefined();
  });

  it('answers to its other spellings', async () => {
    const { command, aliases = [] } = cliForm(capability)!;
    const line = commandLine(capability, exampleInput(capability)).slice(command.split(' ').length);
    for (const alias of aliases) expect((await calls([...alias.split(' '), ...line])).map((call) => call.capability)).toEqual([name]);
  });
});

describe('the commands of the registry', () => {
  it('take the flags that scripts of the compatible command give, without showing them', async () => {
    for (const line of [
      ['constitution', '--raw'],
      ['charter', '--raw'],
    ])
      expect(await calls(line)).toEqual([{ capability: 'status.charter', input: {} }]);
    expect(commandOf(registry['status.charter']).helpInformation()).not.toContain('--raw');
  });

  it('keep any text that is typed', async () => {
    const withText = plain.filter((capability) => inputFields(capability).some(({ type }) => type === 'text'));
    const case_ = fc.constantFrom(...withText).chain((capability) => {
      const texts = inputFields(capability).filter(({ type }) => type === 'text');
      const encoded = new Set(
        cliForm(capability)!
          .arguments?.filter(({ as }) => as === 'text')
          .map(({ field }) => field),
      );
      // A process cannot be given NUL, and a shell's empty option value is as good as any.
      const typed = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
      const values = texts.map(({ name }) =>
        typed.map((value) => [name, encoded.has(name) ? Buffer.from(value).toString('base64') : value] as const),
      );
      return fc.record({ capability: fc.constant(capability), input: fc.tuple(...values).map((entries) => Object.fromEntries(entries)) });
    });
    await fc.assert(
      fc.asyncProperty(case_, async ({ capability, input }) => {
        expect(await calls(commandLine(capability, input))).toEqual([{ capability: capability.name, input: complete(capability, input) }]);
      }),
      { seed: 20261121, numRuns: 60 },
    );
  });

  const bad = commands.flatMap((capability) => badInputs(capability).filter(({ cli }) => cli !== undefined));

  it.each(bad.map((each) => [`${each.cli!.join(' ').slice(0, 90)} (${each.title})`, each] as const))(
    'judge %s as the node would',
    async (_, each) => {
      const [call] = await calls(each.cli!).catch((error: unknown) => {
        // What is not there is noticed before there is an input to judge.
        expect(each.title).toMatch(/missing$/u);
        expect(error).toMatchObject({ exitCode: 1, message: expect.stringContaining(each.expect.outcome === 'refused' ? each.expect.mentions : '') });
        return [];
      });
      if (!call) return;
      const refusal = refusalOf(registry[each.capability as keyof typeof registry], call.input);
      if (each.expect.outcome === 'accepted') expect(refusal).toBeUndefined();
      else
        expect({ status: refusal?.status, said: refusal?.text ?? refusal?.json['error'] }).toEqual({
          status: each.expect.status,
          said: expect.stringContaining(each.expect.mentions),
        });
    },
  );

  it('are put to many bad inputs', () => expect(bad.length).toBeGreaterThan(40));

  it('say in their help which request they make, and list every option', () => {
    for (const capability of commands) {
      const help = commandOf(capability).helpInformation();
      expect(help).toContain(`${capability.method} ${capability.path}`);
      for (const { flag } of cliOptions(capability)) expect(help).toContain(`--${flag}`);
    }
  });

  it('are listed with their requests, in groups too', () => {
    const { command } = buildProgram();
    const listed = [command, ...command.commands].map((each) => each.helpInformation().replace(/\s+/gu, ' ')).join('\n');
    for (const { method, path } of commands) expect(listed).toContain(`[${method} ${path}]`);
  });

  it('show what they need in angle brackets, what they can do without in square ones, and text as text', () => {
    expect(commandOf(registry['messaging.subscribe']).helpInformation()).toContain('until it is interrupted');
    const send = commandOf(registry['direct.send']).helpInformation();
    expect(send).toContain('Usage: muster direct send <AGENT_ID> <TEXT> [--require-ack-ms <REQUIRE_ACK_MS>]');
    expect(send).toMatch(/\n {2}<AGENT_ID> +64 hex digits\n {2}<TEXT> +text\n/);
    expect(commandOf(registry['identity.card']).helpInformation()).toMatch(/agent card \[NAME\] (?:.*\n)* {2}\[NAME\] +/);
    expect(
      buildProgram()
        .command.commands.find((each) => each.name() === 'verify')!
        .helpInformation(),
    ).toMatch(/\n {2}<BUNDLE> +/);
  });

  it('leave the global options alone', () => {
    const taken = buildProgram().command.options.map(({ long }) => long);
    for (const capability of commands) for (const { flag } of cliOptions(capability)) expect(taken).not.toContain(`--${flag}`);
  });

  it('take global options before and after', async () => {
    const seen: unknown[] = [];
    const run = async (...args: string[]): Promise<void> => {
      const { command } = buildProgram({ invoke: async (_capability, _form, _input, called) => void seen.push(called.optsWithGlobals()) });
      await command.parseAsync(args, { from: 'user' });
    };
    await run('--json', '--name', 'alice', 'contacts', 'list');
    await run('contacts', 'list', '--json', '--name', 'alice');
    expect(seen).toEqual([
      { json: true, name: 'alice' },
      { json: true, name: 'alice' },
    ]);
  });

  it.each([
    [['helth'], /unknown command 'helth'\n\(Did you mean health\?\)/],
    [['agent', 'crad'], /unknown command 'crad'\n\(Did you mean card\?\)/],
    [['contacts', 'lst'], /unknown command 'lst'\n\(Did you mean list\?\)/],
    [['contacts', 'add', 'x', '--turst', 'known'], /unknown option '--turst'\n\(Did you mean --trust\?\)/],
    [['health', 'extra'], /too many arguments for 'health': extra/],
    [['contacts', 'add'], /missing required argument 'AGENT_ID' \(agent_id\)/],
    [['--format', 'xml', 'health'], /Allowed choices are text, json/],
    [['--api', 'ftp://x', 'health'], /Expected host:port/],
  ])('refuse %j', async (args, message) => {
    await expect(calls(args)).rejects.toMatchObject({ exitCode: 1, message: expect.stringMatching(message) });
  });

  it('show the words that a field takes', () => {
    const [field] = inputFields(registry['contacts.setTrust']).filter(({ name }) => name === 'level');
    expect(choicesOf(field!)).toEqual(['blocked', 'unknown', 'known', 'trusted']);
    expect(commandOf(registry['contacts.add']).helpInformation().replace(/\s+/gu, ' ')).toContain('"blocked", "unknown", "known", "trusted"');
  });
});

describe('a command with an argument vector', () => {
  it('takes everything after --', async () => {
    const declared: Capability = { ...registry['direct.connect'], name: 'test.run' };
    const seen: Input[] = [];
    const command = new Command('run').exitOverride();
    const form = {
      command: 'run',
      arguments: [
        { field: 'agent_id', label: 'AGENT_ID' },
        { field: 'argv', label: 'ARGV', as: 'rest' },
      ],
    } as const;
    define(command, declared, form, async (_capability, _form, input) => void seen.push(input));
    await command.parseAsync(['x', '--', 'ls', '-la', '--', '--json'], { from: 'user' });
    expect(seen).toEqual([{ agent_id: 'x', argv: ['ls', '-la', '--', '--json'] }]);
  });
});
