/** The journal of a run while it goes on, beside the place of its bundle: whoever kills the run finds there what it has recorded. */
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JournalFile, partialOf } from '@muster/proof';

/** What an earlier run left behind stands where this one would keep its journal. */
export class PartialInTheWay extends Error {
  override readonly name = 'PartialInTheWay';
}

export class PartialJournal implements AsyncDisposable {
  readonly file: JournalFile;
  readonly #directory: string;
  /** false: there is nothing in it that a bundle has not, or that anybody would miss */
  kept = true;

  private constructor(directory: string, journal: string) {
    this.#directory = directory;
    this.file = new JournalFile(journal);
  }

  /** @throws PartialInTheWay */
  static async open(bundle: string): Promise<PartialJournal> {
    const { directory, journal } = partialOf(bundle);
    await mkdir(dirname(directory), { recursive: true });
    await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      throw new PartialInTheWay(
        `${directory} belongs to a run that goes on, or is what one left that was killed: see muster report, and move it away`,
      );
    });
    return new PartialJournal(directory, journal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.file.close();
    if (!this.kept) await rm(this.#directory, { recursive: true, force: true });
  }
}
