import { constants, watch, type FSWatcher } from 'node:fs';
import { lstat, open, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log, Neighbour, Neighbours, Self } from '../ports/index.ts';
import { isDead, localAddresses, ownEntry, parseEntry } from './host-entry.ts';
import { makePrivateDirectory } from './private-directory.ts';
import { writeSecretAtomic } from './secret-file.ts';

const POLL_MS = 500;
const MAX_ENTRY_BYTES = 4096;
/** files looked at in one pass */
const MAX_ENTRIES = 1024;
const ENTRY_NAME = /^([0-9a-f]{64})\.json$/;
/** hex digits of the network id in the folder's name; the whole id is in each file */
const NETWORK_DIGITS = 16;

export interface HostDirectoryParts {
  /** 0700 and this user's own, made when missing: `<directory>/<network>/<machine>.json`, 0600, one file for each running instance */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Finds this user's instances on this host through a small directory. A place that is not safe or cannot be used is logged, and nothing is found.
 * Files of processes that ended are removed; anything that is not an entry is left alone.
 */
export function hostDirectory(parts: HostDirectoryParts): Neighbours {
  return {
    scope: 'host',
    async start(self, found) {
      const { directory, log } = parts;
      try {
        makePrivateDirectory(directory);
        await checkPrivate(directory);
        const presence = new HostPresence(parts, self, found);
        await presence.begin();
        return presence;
      } catch (error) {
        log.write('warn', 'instances on this host will not find each other', { directory, error: (error as Error).message });
        return { [Symbol.asyncDispose]: async () => {} };
      }
    },
  };
}

async function checkPrivate(directory: string): Promise<void> {
  const { uid, mode } = await lstat(directory).then((stat) => {
    if (!stat.isDirectory()) throw new Error(`${directory} is not a directory; move it away or set host_directory`);
    return stat;
  });
  const own = process.geteuid?.();
  if (own === undefined) return;
  if (uid !== own) throw new Error(`${directory} belongs to user ${uid}; set host_directory`);
  if (mode & 0o077) throw new Error(`${directory} is open to others; run: chmod 700 ${directory}`);
}

class HostPresence implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #self: Self;
  readonly #found: (neighbour: Neighbour) => void;
  readonly #folder: string;
  readonly #file: string;
  readonly #text: string;
  /** text of each file at the last pass, by machine */
  #known = new Map<string, string>();
  #watcher: FSWatcher | undefined;
  #poll: Disposable | undefined;
  #pass: Promise<void> | undefined;
  #again = false;
  #ended = false;

  constructor({ directory, clock, log }: HostDirectoryParts, self: Self, found: (neighbour: Neighbour) => void) {
    this.#clock = clock;
    this.#log = log;
    this.#self = self;
    this.#found = found;
    this.#folder = join(directory, self.network.slice(0, NETWORK_DIGITS));
    this.#file = join(this.#folder, `${self.machine}.json`);
    this.#text = ownEntry(self);
  }

  async begin(): Promise<void> {
    await writeSecretAtomic(this.#file, Buffer.from(this.#text));
    this.#poll = this.#clock.every(POLL_MS, () => this.#look());
    try {
      this.#watcher = watch(this.#folder, { persistent: false }, () => this.#look());
      this.#watcher.on('error', (error) => this.#watchFailed(error));
    } catch (error) {
      this.#watchFailed(error as Error);
    }
    this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#poll?.[Symbol.dispose]();
    this.#watcher?.close();
    await this.#pass;
    if ((await read(this.#file)) === this.#text) await rm(this.#file, { force: true });
    // Only the last one out succeeds.
    await rmdir(this.#folder).catch(() => {});
  }

  /** Passes never overlap; a change during one makes another. */
  #look(): void {
    if (this.#ended) return;
    if (this.#pass) {
      this.#again = true;
      return;
    }
    this.#pass = this.#scan()
      .catch((error: Error) => this.#log.write('warn', 'cannot read the host directory', { folder: this.#folder, error: error.message }))
      .finally(() => {
        this.#pass = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.#look();
      });
  }

  async #scan(): Promise<void> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException): string[] => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    // Temporary folders get cleaned by others.
    if (!names.includes(`${this.#self.machine}.json`)) await writeSecretAtomic(this.#file, Buffer.from(this.#text));
    const known = new Map<string, string>();
    for (const name of names.slice(0, MAX_ENTRIES)) {
      const machine = ENTRY_NAME.exec(name)?.[1];
      if (machine === undefined || machine === this.#self.machine) continue;
      const text = await this.#entry(machine, join(this.#folder, name));
      if (text !== undefined) known.set(machine, text);
    }
    this.#known = known;
  }

  /** Reports a new instance; gives the file's text if it is that of a living one. */
  async #entry(machine: string, file: string): Promise<string | undefined> {
    const text = await read(file);
    const entry = text === undefined ? undefined : parseEntry(text, this.#self.network, machine);
    if (!entry) return undefined;
    if (isDead(entry)) {
      await rm(file, { force: true });
      return undefined;
    }
    if (this.#known.get(machine) !== text && !this.#ended) this.#found({ machine, addresses: localAddresses(entry.address) });
    return text;
  }

  #watchFailed(error: Error): void {
    this.#log.write('debug', 'the host directory is polled only', { error: error.message });
  }
}

/** Text of a small regular file of this user; undefined for anything else. */
async function read(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    const own = process.geteuid?.() ?? stat.uid;
    return stat.isFile() && stat.uid === own && stat.size <= MAX_ENTRY_BYTES ? await file.readFile('utf8') : undefined;
  } catch {
    // Withdrawn between the listing and the look, most likely; the next pass tells.
    return undefined;
  }
}
