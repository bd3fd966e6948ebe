import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes a directory and its missing parents, mode 0700. Not `recursive`: that reports a read-only disk as `ENOENT`. */
export function makePrivateDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(directory) === directory) throw error;
    makePrivateDirectory(dirname(directory));
    mkdirSync(directory, { mode: 0o700 });
  }
}
