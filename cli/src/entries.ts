/** The scripts of this package, as another process runs them: compiled beside compiled ones, sources beside sources. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const extension = extname(fileURLToPath(import.meta.url));

export interface Entry {
  /** flags of Node that it needs */
  readonly flags: readonly string[];
  readonly file: string;
}

export function entry(name: 'muster' | 'musterd' | 'oracle-worker'): Entry {
  return {
    flags: extension === '.ts' ? ['--conditions=muster-source'] : [],
    file: fileURLToPath(new URL(`./${name}${extension}`, import.meta.url)),
  };
}
