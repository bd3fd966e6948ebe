/** What nodes say in their logs, beside what they do: as much as a journal can take. */
import type { LabClock } from '../clock.ts';
import type { Recorder } from './recorder.ts';

/** lines of all nodes of a world together, and as many again of those that matter most */
const MOST_LINES = 5_000;
/** characters of a line */
const MOST_CHARACTERS = 300;
/** lines of one node at a time, and how many more each second */
const BURST = 50;
const PER_SECOND = 2;
/** what the logs of most daemons call what people should see */
const URGENT = /\b(?:warn|warning|error|fatal|panic|uncaught)\b/iu;

/** What is left of a node's share. */
interface Share {
  readonly node: string;
  readonly kind: 'warnings' | 'lines';
  /** undefined: none, which was said once */
  lines: number | undefined;
  /** that it may say at once */
  burst: number;
  /** ms at which that was so */
  at: number;
  leftOut: number;
}

interface NodeLogsOptions {
  readonly recorder: Recorder;
  readonly clock: LabClock;
  /** how many there are */
  readonly nodes: number;
}

/** What a node says too often keeps neither the others nor its own warnings out: these have a share of their own. */
export class NodeLogs {
  readonly #options: NodeLogsOptions;
  readonly #shares = new Map<string, Share>();

  constructor(options: NodeLogsOptions) {
    this.#options = options;
  }

  /** Without what the node alone knows to be secret: part of that would not be found again. */
  readonly line = (node: string, whole: string): void => {
    const { recorder, clock, nodes } = this.#options;
    const text = whole.slice(0, MOST_CHARACTERS);
    const now = clock.monotonic();
    const kind = URGENT.test(text) ? 'warnings' : 'lines';
    const key = `${kind} ${node}`;
    const share = this.#shares.get(key) ?? { node, kind, lines: Math.ceil(MOST_LINES / nodes), burst: BURST, at: now, leftOut: 0 };
    this.#shares.set(key, share);
    share.burst = Math.min(BURST, share.burst + ((now - share.at) * PER_SECOND) / 1_000);
    share.at = now;
    if (share.lines === undefined || (share.lines > 0 && share.burst < 1)) {
      share.leftOut++;
      return;
    }
    const over = share.lines === 0;
    share.lines = over ? undefined : share.lines - 1;
    share.burst--;
    recorder.log(node, { text: over ? `the rest of its ${kind} is left out` : text, ...(share.leftOut > 0 && { left_out: share.leftOut }) });
    share.leftOut = over ? 1 : 0;
  };

  /** Says how many were left out of which nothing was said yet: a node may say nothing after them. */
  tellLeftOut(): void {
    for (const share of this.#shares.values()) {
      if (share.leftOut === 0) continue;
      this.#options.recorder.log(share.node, { text: `its last ${share.kind} are left out`, left_out: share.leftOut });
      share.leftOut = 0;
    }
  }
}
