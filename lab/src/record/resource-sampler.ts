/** Records what the daemons of a world use, second by second, beside what they do. */
import { RESOURCES } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import { diskUsage, type ProcessUsage, processUsage } from '../process/process-usage.ts';
import type { LocalNode } from '../world/local-node.ts';
import type { Recorder } from './recorder.ts';
import { clientOf, type TargetNode } from './target-node.ts';

const EVERY_MS = 1_000;
/** a look costs at most this part of the time until the next one */
const COST_SHARE = 0.1;
/** after so many looks they become half as frequent: an hour by the second, two more by every other … */
const THINNED_AFTER = 3_600;
const HEAP_MS = 500;
const HEAP_GAUGE = /^muster_process_heap_used_bytes (\d+)$/m;

export interface SamplerOptions {
  readonly recorder: Recorder;
  readonly clock: LabClock;
  /** the daemons tell their heap in `/metrics` */
  readonly metrics: boolean;
  /** ms between two looks, when they are cheap */
  readonly every?: number;
}

/** What a process and its node's files take up. */
export interface Usage extends ProcessUsage {
  readonly disk_bytes: number;
  readonly heap_bytes?: number;
}

interface Subject {
  readonly node: TargetNode;
  /** those of one process, the first of which stands for all */
  readonly members: readonly LocalNode[];
}

/** Looks from the start until disposed, and once more then. Nodes that share a process are sampled as one, under the name of the first. */
export class ResourceSampler implements AsyncDisposable {
  readonly #subjects: readonly Subject[];
  readonly #options: SamplerOptions;
  readonly #over = new AbortController();
  readonly #run: Promise<void>;

  constructor(nodes: readonly TargetNode[], options: SamplerOptions) {
    this.#options = options;
    const owned = nodes.flatMap((node) => (node.local ? [{ node, local: node.local }] : []));
    const byProcess = Map.groupBy(owned, ({ local }) => local.process);
    this.#subjects = [...byProcess.values()].map((those) => ({ node: those[0]!.node, members: those.map(({ local }) => local) }));
    this.#run = this.#subjects.length === 0 ? Promise.resolve() : this.#goOn();
  }

  /** One sample of each process that lives, now, by the name of its node. */
  async look(): Promise<ReadonlyMap<string, Usage>> {
    const usages = new Map<string, Usage>();
    for (const subject of this.#subjects) {
      const usage = await this.#sample(subject);
      if (usage) usages.set(subject.node.name, usage);
    }
    return usages;
  }

  async #goOn(): Promise<void> {
    const { clock, every = EVERY_MS } = this.#options;
    let period = every;
    for (let looks = 1; !this.#over.signal.aborted; looks++) {
      const begun = clock.monotonic();
      await this.look();
      if (looks % THINNED_AFTER === 0) period *= 2;
      const next = begun + Math.max(period, (clock.monotonic() - begun) / COST_SHARE);
      await clock.sleep(Math.max(0, next - clock.monotonic()), this.#over.signal).catch(() => undefined);
    }
    await this.look();
  }

  async #sample({ node, members }: Subject): Promise<Usage | undefined> {
    const [first] = members as [LocalNode];
    if (!first.alive) return undefined;
    const usage = processUsage(first.process.pid);
    if (!usage) return undefined;
    const disk = await diskUsage(members.flatMap(({ home }) => [home.home, home.data]));
    const heap = this.#options.metrics && !this.#over.signal.aborted ? await this.#heapOf(node) : undefined;
    const sample = { ...usage, disk_bytes: disk, ...(heap !== undefined && { heap_bytes: heap }) };
    // It may have ended meanwhile.
    if (!first.alive) return undefined;
    const shared = members.length > 1 && { with: members.slice(1).map((member) => member.name) };
    this.#options.recorder.observe(node.name, RESOURCES, 'sample', { ...sample, ...shared });
    return sample;
  }

  /** As the node says itself; undefined when it does not say so soon. */
  async #heapOf(node: TargetNode): Promise<number | undefined> {
    const { clock } = this.#options;
    try {
      await using client = clientOf(node);
      const told = await client.status.metrics({}, { signal: AbortSignal.any([clock.timeout(HEAP_MS), this.#over.signal]) });
      const [, bytes] = HEAP_GAUGE.exec(told) ?? [];
      return bytes === undefined ? undefined : Number(bytes);
    } catch {
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#run;
  }
}
