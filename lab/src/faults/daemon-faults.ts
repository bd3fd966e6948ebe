/** Faults of what a daemon stands on: its clock and its disk. What they did is seen by what it says and writes. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '@muster/proof';
import { systemClock } from '../clock.ts';
import type { Control, Report } from '../preload/control.ts';
import type { Preload, Taken } from '../preload/preload.ts';
import { clientOf } from '../record/target-node.ts';
import type { LocalNode } from '../world/local-node.ts';
import type { OwnDisks } from '../world/own-disks.ts';
import { clockDrifted, clockOff, createdAhead } from './clock-reading.ts';
import type { Mechanism } from './fault-injector.ts';

const ANSWER_MS = 1_000;
/** in what a daemon says when the system refused a write for want of room */
export const REFUSED = /ENOSPC|no space left|disk is full/iu;

/** The wall clock is set forward by so many ms, or back. */
export function skewClock(node: LocalNode, preload: Preload, ms: number): Mechanism {
  const set = settingClock(node, preload);
  const reads = (wanted: number) => async (): Promise<Json | undefined> => clockOff(await aheadOf(node), wanted);
  return {
    kind: 'clock-skew',
    node: node.name,
    apply: () => set({ skew_ms: ms }, { ms }),
    bites: reads(ms),
    heal: () => set({ skew_ms: 0 }, { ms: -ms }),
    healed: reads(0),
  };
}

/** The wall clock runs too fast by so many parts per million, or too slowly. Bites once it is off by what can be read. */
export function driftClock(node: LocalNode, preload: Preload, ppm: number): Mechanism {
  const set = settingClock(node, preload);
  let since = 0;
  return {
    kind: 'clock-drift',
    node: node.name,
    apply() {
      since = systemClock.now();
      return set({ drift_ppm: ppm, since_ms: since }, { ppm });
    },
    bites: async () => clockDrifted(await aheadOf(node), ((systemClock.now() - since) * ppm) / 1e6),
    heal: () => set({ drift_ppm: 0 }, { ppm: 0 }),
    healed: async () => clockOff(await aheadOf(node), 0),
  };
}

function settingClock(node: LocalNode, preload: Preload): (change: Partial<Control>, evidence: Readonly<Record<string, Json>>) => Promise<Json> {
  return async (change, evidence) => ({ ...evidence, ...(await preload.set(change, await node.process.members())) });
}

/** Each sync of the daemon takes so many ms longer, during which it does nothing else. */
export function slowDisk(node: LocalNode, preload: Preload, ms: number): Mechanism {
  let before = preload.reports();
  const set = async (change: Partial<Control>): Promise<Taken> => {
    before = preload.reports();
    return preload.set(change, await node.process.members());
  };
  const since = (what: keyof Report): number =>
    [...preload.reports()].reduce((sum, [pid, report]) => sum + report[what] - (before.get(pid)?.[what] ?? 0), 0);
  return {
    kind: 'disk-slow',
    node: node.name,
    async apply() {
      return { sync_ms: ms, ...(await set({ sync_ms: ms })) };
    },
    async bites() {
      const slow = since('slow');
      return slow > 0 ? { slow } : undefined;
    },
    async heal() {
      const slow = since('slow');
      return { slow, ...(await set({ sync_ms: 0 })) };
    },
    async healed() {
      const prompt = since('prompt');
      return prompt > 0 ? { prompt } : undefined;
    },
  };
}

/** Nothing more fits on the disk of the daemon. Bites once a write was refused, and it says so; healed once it writes again, and has nothing to complain of. */
export function fillDisk(node: LocalNode, disks: OwnDisks): Mechanism {
  const { data, dataDir } = node.home;
  let logged = 0;
  let healedAt = 0;
  return {
    kind: 'disk-full',
    node: node.name,
    async apply() {
      logged = complaintsIn(node);
      return { bytes: await disks.fill(dataDir) };
    },
    async bites(): Promise<Json | undefined> {
      const [warning] = (await warningsOf(node)) ?? [];
      if (warning !== undefined) return { says: warning.replaceAll(dataDir, 'DATA') };
      const lines = complaintsIn(node) - logged;
      if (lines > 0) return { log_lines: lines };
      // It may have made room for itself meanwhile: whoever fills a disk fills that, too.
      if (disks.free(dataDir) > 0) await disks.fill(dataDir);
      return undefined;
    },
    async heal() {
      await disks.empty(dataDir);
      healedAt = systemClock.now();
      return { free_bytes: disks.free(dataDir) };
    },
    async healed() {
      const written = Math.max(...readdirSync(data).map((name) => statSync(join(data, name)).mtimeMs));
      if (written <= healedAt || (await warningsOf(node))?.length !== 0) return undefined;
      return { written_after_ms: Math.round(written - healedAt) };
    },
  };
}

async function aheadOf(node: LocalNode): Promise<number | undefined> {
  await using client = clientOf(node);
  try {
    const { card } = await client.identity.card({}, { signal: systemClock.timeout(ANSWER_MS) });
    return createdAhead(card, systemClock.now());
  } catch {
    return undefined;
  }
}

/** What it says about its disk; undefined without an answer. */
async function warningsOf(node: LocalNode): Promise<string[] | undefined> {
  await using client = clientOf(node);
  try {
    const { warnings } = await client.status.get({}, { signal: systemClock.timeout(ANSWER_MS) });
    return warnings.filter((warning) => REFUSED.test(warning));
  } catch {
    return undefined;
  }
}

function complaintsIn(node: LocalNode): number {
  return node.process.log.tail().split('\n').filter((line) => REFUSED.test(line)).length; // prettier-ignore
}
