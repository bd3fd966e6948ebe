/** The passphrase of an exported identity: from a private file, or typed without being shown. */
import { readSecret } from '@muster/node/host';
import { Failure, messageOf } from '../failure.ts';
import { askHidden, atTerminal } from '../prompt.ts';

const MIN_LENGTH = 8;

/** A new one, typed twice. @throws Failure */
export async function newPassphrase(file: string | undefined): Promise<string> {
  const [passphrase, again] = await passphrases(file, 'passphrase for the exported identity: ', 'the same once more: ');
  if ([...passphrase!].length < MIN_LENGTH) throw new Failure(`the passphrase is too short: at least ${MIN_LENGTH} characters`);
  if (again !== passphrase) throw new Failure('these were two different passphrases');
  return passphrase!;
}

/** @throws Failure */
export async function passphraseOf(source: string, file: string | undefined): Promise<string> {
  const [passphrase] = await passphrases(file, `passphrase of ${source}: `);
  return passphrase!;
}

/** One for each question. */
async function passphrases(file: string | undefined, ...questions: readonly string[]): Promise<string[]> {
  if (file !== undefined) {
    const passphrase = await readPassphrase(file);
    return questions.map(() => passphrase);
  }
  if (!atTerminal()) throw new Failure('there is no terminal to ask for the passphrase on; give --passphrase-file FILE');
  return askHidden(...questions);
}

async function readPassphrase(file: string): Promise<string> {
  try {
    const passphrase = new TextDecoder('utf-8', { fatal: true }).decode(await readSecret(file)).replace(/\r?\n$/u, '');
    if (passphrase === '') throw new Failure(`${file}: the passphrase is empty`);
    return passphrase;
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(messageOf(error));
  }
}
