/** Output as lines, whatever its pieces. */
import { StringDecoder } from 'node:string_decoder';

/** characters of a line; what it has more is dropped. Far more than is recorded, so that a secret is whole when it is looked for. */
const MOST_CHARACTERS = 4_096;

/** `said` gets each line that is not empty, as soon as it is over. */
export function inLines(said: (line: string) => void): { push(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder('utf8');
  let begun = '';
  const take = (text: string): void => {
    const [first = '', ...rest] = text.split('\n');
    begun = (begun + first).slice(0, MOST_CHARACTERS);
    for (const next of rest) {
      if (begun.trim() !== '') said(begun.trimEnd());
      begun = next.slice(0, MOST_CHARACTERS);
    }
  };
  return { push: (chunk) => take(decoder.write(chunk)), end: () => take(`${decoder.end()}\n`) };
}
