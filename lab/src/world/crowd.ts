/** Nodes that share one process: they start together, and end together whichever of them is ended. */
import type { LabClock } from '../clock.ts';
import { DaemonProcess } from '../process/daemon-process.ts';
import type { Reaper } from '../process/reaper.ts';
import type { DaemonCommand } from './daemon-command.ts';
import type { LocalNode } from './local-node.ts';

export class Crowd {
  readonly #command: DaemonCommand;
  readonly #reaper: Reaper;
  readonly #clock: LabClock;
  readonly #members: LocalNode[] = [];
  #life: { readonly booted: Promise<{ ms: number }>; process: DaemonProcess | undefined } | undefined;
  /** an end that the lab did not cause would be a crash */
  expectedEnd = false;

  constructor(command: DaemonCommand, reaper: Reaper, clock: LabClock) {
    this.#command = command;
    this.#reaper = reaper;
    this.#clock = clock;
  }

  add(node: LocalNode): void {
    this.#members.push(node);
  }

  /** Resolves when all members answer. Joins a start under way. */
  start(signal: AbortSignal | undefined): Promise<{ ms: number }> {
    const ended = this.#life?.process && !this.#life.process.alive;
    if (!this.#life || ended) {
      this.#life = { booted: this.#boot(signal), process: undefined };
    }
    return this.#life.booted;
  }

  async #boot(signal: AbortSignal | undefined): Promise<{ ms: number }> {
    const begun = this.#clock.monotonic();
    const [{ home }] = this.#members as [LocalNode];
    await Promise.all(this.#members.map((member) => member.forget()));
    const args = [...this.#command.args, ...this.#members.map((member) => `${member.name}=${member.home.config}`)];
    const launch = { command: this.#command.command, args, cwd: home.root, log: home.log, env: { ...home.environment, ...this.#command.env } };
    this.expectedEnd = false;
    const process = await DaemonProcess.start(launch, this.#reaper, this.#clock);
    this.#life!.process = process;
    const answers = await Promise.allSettled(this.#members.map((member) => member.answering(process, signal)));
    for (const answer of answers) {
      if (answer.status === 'fulfilled') continue;
      await process.kill();
      throw answer.reason;
    }
    return { ms: this.#clock.monotonic() - begun };
  }
}
