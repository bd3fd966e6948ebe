/** Options that every command takes, before or after its name. */
import { type Command, InvalidArgumentError, Option } from 'commander';

export interface Globals {
  readonly json: boolean;
  readonly name: string | undefined;
  /** `http://host:port` of another API than the instance's own */
  readonly api: string | undefined;
}

interface RawGlobals {
  readonly json?: true;
  readonly format?: 'json' | 'text';
  readonly name?: string;
  readonly api?: string;
  readonly apiUrl?: string;
}

export function addGlobals(program: Command): void {
  program
    .option('--json', 'print the answer as JSON')
    .addOption(new Option('--format <FORMAT>', 'how to print the answer').choices(['text', 'json']))
    .option('--name <NAME>', 'the instance to talk to')
    .option('--api <ADDRESS>', 'host:port or http://host:port of the API', parseApi)
    .addOption(new Option('--api-url <ADDRESS>', 'same as --api').argParser(parseApi).hideHelp());
}

export function globalsOf(command: Command): Globals {
  const { json, format, name, api, apiUrl } = command.optsWithGlobals<RawGlobals>();
  return { json: format === undefined ? json === true : format === 'json', name, api: api ?? apiUrl };
}

function parseApi(text: string): string {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//iu.test(text) ? text : `http://${text}`);
  if (!url || url.protocol !== 'http:' || url.pathname !== '/' || url.search !== '' || url.username !== '') {
    throw new InvalidArgumentError('Expected host:port or http://host:port.');
  }
  return url.origin;
}
