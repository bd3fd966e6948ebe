/** Output as lines, whatever its pieces. */
import { StringDecoder } from 'node:string_decoder';

/** characters of a line; what it has more is dropped */
const MOST_CHARACTERS = 300;

/** `said` gets each line that is not empty, as soon as it is over. */
export function inLines(said: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let begun = '';
  return (chunk) => {
    const [first = '', ...rest] = decoder.write(chunk).split('\n');
    begun = (begun + first).slice(0, MOST_CHARACTERS);
    for (const next of rest) {
      if (begun.trim() !== '') said(begun.trimEnd());
      begun = next.slice(0, MOST_CHARACTERS);
    }
  };
}
