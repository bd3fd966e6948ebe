/** Bookkeeping: what became of a scenario. These read the frame, not the range, and exercise nothing of the target. */
import { z } from 'zod';
import type { Frame } from '../frame.ts';
import type { WorldLine } from '../journal.ts';
import { filteredOut, inconclusive, type Judgement, judged, pass, type Predicate } from './predicate.ts';

function overFrame<P>(name: string, params: z.ZodType<P>, judge: (params: P, frame: Frame, seq: number) => Judgement): Predicate<P> {
  return {
    name,
    params,
    bookkeeping: true,
    start: (given, frame, seq) => ({ interest: {}, line() {}, result: () => judge(given, frame, seq) }),
  };
}

/** Every phase that began has ended. A daemon that died of itself, or never came up, takes the blame; else the harness does. */
export const completed = overFrame('completed', z.strictObject({ scenario: z.string() }), ({ scenario }, frame, seq) => {
  const lines = frame.phasesBefore(scenario, seq);
  const seqs = lines.map(({ seq }) => seq);
  if (lines.length === 0) return inconclusive('harness', `${scenario} never began`);
  const broken = lines.find(({ event }) => event === 'crash' || event === 'timeout');
  if (broken && broken.event !== 'begin' && broken.event !== 'end') {
    const what = broken.message ?? (broken.event === 'crash' ? 'it threw' : 'its time ran out');
    const cause = broken.node === undefined ? '' : ` (${broken.node} was down)`;
    const blame = broken.node === undefined ? 'harness' : 'target';
    return judged(broken.event, blame, `${broken.phase}: ${what}${cause}`, [broken.seq]);
  }
  const open = lines.find(({ phase, event }) => event === 'begin' && !lines.some((other) => other.phase === phase && other.event === 'end'));
  if (open) return judged('crash', 'harness', `${open.phase} began and never ended`, [open.seq]);
  return pass(`${scenario} ran to its end`, seqs);
});

/** The target never declared the capability. A skip of a declared one is a fault of the harness. */
export const skipped = overFrame('skipped', z.strictObject({ capability: z.string() }), ({ capability }, frame, seq) => {
  const worlds = frame.worldsBefore(seq);
  const seqs = worlds.map((world) => world.seq);
  if (worlds.length === 0) return inconclusive('harness', 'no world says what the target declares');
  if (worlds.some(({ capabilities }) => capabilities.includes(capability)))
    return judged('fail', 'harness', `skipped, but the target declares ${capability}`, seqs);
  return judged('skipped', 'target', `the target does not declare ${capability}`, seqs);
});

const reason = z.union([
  z.strictObject({ filter: z.string() }),
  z.strictObject({ nodes: z.int().min(1) }),
  z.strictObject({ power: z.string() }),
  z.strictObject({ surface: z.string() }),
]);
/** Why a scenario was not run: filtered out, or it needs nodes, a power or a surface that this target has not. */
export type NotRunReason = z.infer<typeof reason>;

export const notRun = overFrame('not-run', z.strictObject({ reason }), ({ reason: why }, frame, seq) => {
  const worlds = frame.worldsBefore(seq);
  const seqs = worlds.map((world) => world.seq);
  if ('filter' in why) {
    return frame.run?.filters.includes(why.filter)
      ? filteredOut(`filtered out by ${why.filter}`, [frame.run.seq])
      : judged('fail', 'harness', `not run because of ${why.filter}, which is no filter of this run`);
  }
  const [lacks, what] = lacking(why, worlds);
  return lacks ? judged('notrun', 'lab', `needs ${what}`, seqs) : judged('fail', 'harness', `not run for want of ${what}, which the world has`, seqs);
});

function lacking(why: Exclude<NotRunReason, { filter: string }>, worlds: readonly WorldLine[]): readonly [boolean, string] {
  if ('nodes' in why) return [worlds.every(({ nodes }) => nodes.length < why.nodes), `${why.nodes} nodes`];
  if ('power' in why) return [worlds.every(({ powers }) => !powers.includes(why.power)), `the power to ${why.power}`];
  return [worlds.every(({ surfaces }) => !surfaces.includes(why.surface)), `the ${why.surface} surface`];
}
