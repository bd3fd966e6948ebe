/** What nodes used over the run: a curve for each node, and beside it what it comes to, with how it grows. */
import { slopeOf } from './checkers/slope.ts';
import { type Fragment, markup } from './html.ts';
import type { Curve, Picture } from './picture/picture.ts';
import type { ProofReport } from './report.ts';
import { milliseconds, px, section, table } from './report-parts.ts';

const MS_PER_HOUR = 3_600_000;
const CONFIDENCE = 0.99;
const [WIDTH, HEIGHT, MARGIN] = [640, 140, 20];
/** strokes that look different, in either scheme and without colour */
const STROKES = 6;

type Points = Curve['points'];

interface Kind {
  readonly title: string;
  readonly shown: (value: number) => string;
  /** what is drawn in place of what was sampled */
  readonly of?: (points: Points) => Points;
}

const bytes = (value: number): string => {
  const size = Math.abs(value);
  if (size >= 1e9) return `${round(value / 1e9)} GB`;
  if (size >= 1e6) return `${round(value / 1e6)} MB`;
  return size >= 1e3 ? `${round(value / 1e3)} kB` : `${round(value)} B`;
};

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['rss_bytes', { title: 'Resident memory', shown: bytes }],
  ['heap_bytes', { title: 'Heap in use', shown: bytes }],
  ['handles', { title: 'Open handles', shown: round }],
  ['sockets', { title: 'Open sockets', shown: round }],
  ['files', { title: 'Open handles that are no sockets', shown: round }],
  ['disk_bytes', { title: 'Files on disk', shown: bytes }],
  ['cpu_ms', { title: 'Processor time', shown: (value) => `${round(value)} %`, of: shareOfCore }],
]);

export function resources({ curves }: Picture, { journal }: ProofReport): Fragment {
  const byWhat = Map.groupBy(curves, ({ what }) => what);
  if (byWhat.size === 0) return '';
  const names = [...KINDS.keys(), ...[...byWhat.keys()].filter((what) => !KINDS.has(what))];
  return section(
    'resources',
    'Resources',
    names.map((what) => drawn(KINDS.get(what) ?? { title: what, shown: round }, byWhat.get(what) ?? [], Math.max(1, journal.duration))),
  );
}

function drawn({ title, shown, of = (points) => points }: Kind, curves: readonly Curve[], duration: number): Fragment {
  const lines = curves.map(({ node, points }) => ({ node, points: of(points) })).filter(({ points }) => points.length > 0);
  if (lines.length === 0) return '';
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const x = (t: number): string => px(MARGIN / 2 + (t / duration) * (WIDTH - MARGIN));
  const y = (value: number): string => px(HEIGHT - MARGIN - (value / Math.max(1, most)) * (HEIGHT - 2 * MARGIN));
  const drawnLines = lines.map(
    ({ points }, index) =>
      markup`<polyline class="curve c${index % STROKES}" points="${points.map(([t, value]) => `${x(t)},${y(value)}`).join(' ')}"></polyline>`,
  );
  const rows = lines.map(({ node, points }, index) => {
    const values = points.map(([, value]) => value);
    return [markup`${stroke(index)} ${node}`, shown(values[0]!), shown(Math.max(...values)), shown(values.at(-1)!), growth(points, shown)];
  });
  const headings = ['Node', '# First', '# Highest', '# Last', `# Growth an hour (${CONFIDENCE * 100} %)`];
  return markup`<h3>${title}</h3>
    <svg class="curves" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title} of each node over the run, up to ${shown(most)}; the table below says what it comes to">
      <text x="${MARGIN / 2}" y="14">${shown(most)}</text><text x="${WIDTH - MARGIN / 2}" y="${HEIGHT - 4}" text-anchor="end">${milliseconds(duration)}</text>${drawnLines}
    </svg>
    ${table(`${title}, by node`, headings, rows)}`;
}

function stroke(index: number): Fragment {
  return markup`<svg class="stroke" viewBox="0 0 24 10" aria-hidden="true"><line class="curve c${index % STROKES}" x1="0" y1="5" x2="24" y2="5"></line></svg>`;
}

/** With its interval, which is all that a few samples allow to say. */
function growth(points: Points, shown: Kind['shown']): string {
  const [times, values] = [points.map(([t]) => t), points.map(([, value]) => value)];
  const slope = slopeOf(times, values, CONFIDENCE);
  if (!slope) return 'too few samples';
  const [grows, low, high] = [slope.slope, slope.low, slope.high].map((perMs) => shown(perMs * MS_PER_HOUR));
  return `${grows} (${low} to ${high})`;
}

/** Processor time since the sample before, in percent of one core; what a process that began anew had used is not known. */
function shareOfCore(points: Points): Points {
  return points.flatMap(([t, value], index) => {
    const [before, had] = points[index - 1] ?? [];
    if (before === undefined || had === undefined || t <= before || value < had) return [];
    return [[t, ((value - had) / (t - before)) * 100] as const];
  });
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}
