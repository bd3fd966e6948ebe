/** Shell completion: the scripts, and the words that they ask for. */
import type { Command, Option } from 'commander';
import { namesFor } from './completion-names.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export interface Completion {
  readonly word: string;
  readonly about: string;
}

/** What may stand in place of the last of `words`, which follow `muster` on the command line. */
export async function completions(program: Command, words: readonly string[]): Promise<Completion[]> {
  const partial = words.at(-1) ?? '';
  const { command, position, pending } = walk(program, words.slice(0, -1));
  return (await candidates(program, command, position, pending, partial)).filter(({ word }) => word.startsWith(partial));
}

async function candidates(program: Command, command: Command, position: number, pending: Option | undefined, partial: string): Promise<Completion[]> {
  if (pending && takes(pending, partial)) return (pending.argChoices ?? (await namesFor(command, pending))).map((word) => ({ word, about: '' }));
  const help = command.createHelp();
  if (partial.startsWith('-')) {
    const options = [...help.visibleOptions(command), ...(command === program ? [] : help.visibleOptions(program))];
    const unique = new Map(options.flatMap((option) => (option.long ? [[option.long, option.description] as const] : [])));
    return [...unique].map(([word, about]) => ({ word, about: firstLine(about) }));
  }
  const inner = position === 0 ? help.visibleCommands(command) : [];
  const argument = command.registeredArguments[position] ?? command.registeredArguments.findLast((each) => each.variadic);
  return [
    ...inner.map((each) => ({ word: each.name(), about: firstLine(each.summary() || each.description()) })),
    ...(argument?.argChoices ?? []).map((word) => ({ word, about: '' })),
  ];
}

interface Place {
  readonly command: Command;
  /** of the next positional argument */
  readonly position: number;
  /** an option that waits for its value */
  readonly pending: Option | undefined;
}

function walk(program: Command, before: readonly string[]): Place {
  let command = program;
  let position = 0;
  let pending: Option | undefined;
  for (const word of before) {
    if (pending && takes(pending, word)) pending = pending.variadic ? pending : undefined;
    else if (word.startsWith('-') && word !== '-') {
      const option = [...command.options, ...program.options].find((each) => each.long === word || each.short === word);
      pending = option && (option.required || option.optional) ? option : undefined;
    } else {
      const inner = position === 0 ? command.commands.find((each) => each.name() === word || each.aliases().includes(word)) : undefined;
      if (inner) command = inner;
      else position += 1;
    }
  }
  return { command, position, pending };
}

/** An option that takes several values takes them up to the next option. */
const takes = (option: Option, word: string): boolean => !option.variadic || !word.startsWith('-');

const firstLine = (text: string): string => text.split('\n', 1)[0]!;

export function completionScript(shell: (typeof SHELLS)[number]): string {
  return SCRIPTS[shell];
}

// Each asks the very program that is being completed; where it offers nothing, the shell offers files.
const SCRIPTS = {
  bash: `# muster completion for bash; load it with: source <(muster completion bash)
_muster_complete() {
  local word about
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    COMPREPLY+=("$word")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _muster_complete muster`,
  zsh: `#compdef muster
# muster completion for zsh; load it with: source <(muster completion zsh)
_muster() {
  local line word about
  local -a found
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    about=\${line#*$'\\t'}
    if [[ $about == $line ]]; then
      found+=("\${word//:/\\\\:}")
    else
      found+=("\${word//:/\\\\:}:$about")
    fi
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then
    _describe 'muster' found
  else
    _files
  fi
}
if [[ $funcstack[1] == _muster ]]; then
  _muster "$@"
else
  compdef _muster muster
fi`,
  fish: `# muster completion for fish; load it with: muster completion fish | source
function __muster_complete
  set -l words (commandline -opc) (commandline -ct)
  $words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c muster -f -n 'count (__muster_complete) >/dev/null' -a '(__muster_complete)'`,
};
