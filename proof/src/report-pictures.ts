/** The drawn parts of the report: who was linked with whom, how long things took, and the time axis. */
import { bucketEnd, type Histogram } from './picture/histogram.ts';
import { type Fragment, markup, visibleText } from './html.ts';
import { markKinds, type Picture } from './picture/picture.ts';
import type { ProofReport } from './report.ts';
import { milliseconds, px, section, table } from './report-parts.ts';

const MOST_DRAWN = 40;
const MOST_HISTOGRAMS = 24;

export function topology({ worlds }: ProofReport, { routes }: Picture): Fragment {
  const names = [...new Set(worlds.flatMap(({ nodes }) => nodes.map(({ name }) => name)))];
  if (names.length === 0) return '';
  const drawn = names.slice(0, MOST_DRAWN);
  const [width, height] = [640, Math.max(220, Math.min(420, 120 + drawn.length * 12))];
  const place = new Map(
    drawn.map((name, index) => {
      const angle = (index / drawn.length) * 2 * Math.PI - Math.PI / 2;
      return [name, [width / 2 + Math.cos(angle) * (width / 2 - 90), height / 2 + Math.sin(angle) * (height / 2 - 30)]] as const;
    }),
  );
  const pairs = new Map<string, { ends: readonly [string, string]; messages: number }>();
  for (const { from, to, via } of routes) {
    const ends = [from, to].toSorted() as [string, string];
    const messages = Object.entries(via).reduce((sum, [path, count]) => (path === 'peer' ? sum : sum + count), 0);
    const pair = pairs.get(ends.join('\0')) ?? { ends, messages: 0 };
    pair.messages += messages;
    pairs.set(ends.join('\0'), pair);
  }
  const lines = [...pairs.values()].map(({ ends, messages }) => {
    const [a, b] = ends.map((name) => place.get(name));
    if (!a || !b) return '';
    return markup`<line class="route" x1="${px(a[0])}" y1="${px(a[1])}" x2="${px(b[0])}" y2="${px(b[1])}" stroke-width="${px(1 + Math.min(5, Math.log2(1 + messages)))}"></line>`;
  });
  const nodes = drawn.map((name) => {
    const [x, y] = place.get(name)!;
    return markup`<circle cx="${px(x)}" cy="${px(y)}" r="7"></circle><text x="${px(x)}" y="${px(y - 12)}" text-anchor="middle">${name}</text>`;
  });
  const rows = routes.map(({ from, to, via }) => [
    `${from} → ${to}`,
    via['peer'] ? 'yes' : 'no',
    Object.entries(via)
      .filter(([path]) => path !== 'peer')
      .map(([path, count]) => `${count} over ${path}`)
      .join(', ') || '—',
  ]);
  return section(
    'topology',
    'Topology and routes',
    markup`<svg class="topology" viewBox="0 0 ${width} ${height}" role="img" aria-label="Nodes and the routes between them; the table below says the same">${lines}${nodes}</svg>
      ${drawn.length < names.length ? markup`<p class="note">The first ${drawn.length} of ${names.length} nodes are drawn.</p>` : ''}
      ${rows.length > 0 ? markup`<details><summary>Routes as a table</summary>${table('Which node listed which as a peer, and by which path direct messages went', ['Route', 'Listed as peer', 'Direct messages'], rows)}</details>` : markup`<p>No route was observed.</p>`}`,
  );
}

export function latencies({ latencies: all }: Picture): Fragment {
  const used = all.slice(0, MOST_HISTOGRAMS);
  if (used.length === 0) return '';
  const rows = used.map((one) => [markup`<code>${one.op}</code>`, one.surface, one.count, milliseconds(one.p50), milliseconds(one.p99), milliseconds(one.max), bars(one)]); // prettier-ignore
  const headings = ['Operation', 'Surface', '# Times', '# Median', '# p99', '# Longest', 'Spread'];
  const caption = `How long what succeeded took${used.length < all.length ? `: the ${used.length} most used of ${all.length}` : ''}; bars on a logarithmic scale`;
  return section('latencies', 'Latencies', table(caption, headings, rows));
}

function bars({ first, counts }: Histogram): Fragment {
  const most = Math.max(...counts);
  const drawn = counts.map((count, index) => {
    if (count === 0) return '';
    const height = 2 + (26 * Math.log1p(count)) / Math.log1p(most);
    return markup`<rect x="${(first + index) * 2}" y="${px(30 - height)}" width="1.6" height="${px(height)}"></rect>`;
  });
  const label = `from ${milliseconds(bucketEnd(first - 1))} to ${milliseconds(bucketEnd(first + counts.length - 1))}`;
  return markup`<svg class="bars" viewBox="0 0 192 30" role="img" aria-label="${label}">${drawn}</svg>`;
}

const kindNames = {
  operation: 'operations',
  refused: 'refused',
  unknown: 'no answer',
  event: 'events',
  fault: 'faults',
  check: 'failed checks',
  log: 'logs',
} as const satisfies Record<(typeof markKinds)[number], string>;

/** The interactive part; without a script there is only the sentence that says so. */
export function timeline({ marks, every }: Picture): Fragment {
  const boxes = markKinds.map(
    (kind, index) => markup`<label class="kind k${index}"><input type="checkbox" checked data-kind="${index}" /> ${kindNames[kind]}</label>`,
  );
  return section(
    'timeline',
    'Timeline',
    markup`<noscript><p>The time axis needs a script; everything else on this page does not.</p></noscript>
      <div id="timeline-live" hidden>
        <p class="note">
          ${marks.t.length} marks${every > 1 ? `; of operations, events and logs one in ${every}` : ''}. Drag, or use the arrow keys, + and −; Ctrl or Shift with the wheel zooms.
        </p>
        <div class="kinds" role="group" aria-label="What is shown">${boxes}</div>
        <canvas id="overview" aria-hidden="true"></canvas>
        <div class="sliders">
          <label>From <input id="from" type="range" min="0" max="1000" value="0" /></label>
          <label>Zoom <input id="span" type="range" min="0" max="1000" value="0" /></label>
        </div>
        <canvas id="lanes" tabindex="0" role="img" aria-label="A lane for each node with its operations, events, faults and logs; the list below says what lies in the window"></canvas>
        <p id="window-said" role="status"></p>
        <div class="scroll window" role="region" aria-label="What lies in the window" tabindex="0">
          <table>
            <caption>What lies in the window</caption>
            <thead><tr><th scope="col">When</th><th scope="col">Lane</th><th scope="col">Kind</th><th scope="col">What</th><th scope="col">Took</th><th scope="col">Line</th></tr></thead>
            <tbody id="window-list"></tbody>
          </table>
        </div>
      </div>`,
  );
}

/** What the script draws from, as text that no HTML parser takes for anything else. */
export function timelineData({ lanes, texts, marks }: Picture, { phases, faults, journal }: ProofReport): string {
  const data = {
    lanes: lanes.map(visibleText),
    texts: texts.map(visibleText),
    kinds: Object.values(kindNames),
    marks,
    phases: phases.map(({ scenario, phase, from, duration }) => [visibleText(`${scenario} ${phase}`), from, duration]),
    faults: faults.flatMap(({ kind, node, stages }) =>
      stages.applied === undefined ? [] : [[kind, visibleText(node), stages.applied, stages.healed ?? journal.duration]],
    ),
    duration: Math.max(1, journal.duration),
  };
  return JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
