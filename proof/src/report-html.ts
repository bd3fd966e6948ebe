/** One HTML file, read offline: verdict and blame first, then everything it stands on. Only the time axis needs its script. */
import { sha256 } from './attestation.ts';
import type { LedgerRow } from './predicates/ledger.ts';
import { evidenceOf } from './report-evidence.ts';
import { type Fragment, markup, Markup } from './html.ts';
import { show } from './json.ts';
import { faultStages } from './journal.ts';
import type { Evaluated } from './evaluate.ts';
import { latencies, timeline, timelineData, topology } from './report-pictures.ts';
import { resources } from './report-resources.ts';
import { milliseconds, section, table } from './report-parts.ts';
import { reportScript } from './report-script.ts';
import type { ProofReport } from './report.ts';
import { reportStyle } from './report-style.ts';
import type { Row, Verdict } from './verdict.ts';

const headlines: Readonly<Record<Verdict['outcome'], string>> = {
  passed: 'Passed',
  failed: 'The target failed',
  faulty: 'Not judged: the lab or the harness was at fault',
  inconclusive: 'Inconclusive: the evidence does not suffice',
};

const order: readonly Row['status'][] = [
  'fail', 'crash', 'timeout', 'flaky', 'stale-expected', 'inconclusive', 'unverified', 'warn', 'expected-fail', 'skipped', 'notrun', 'pass',
]; // prettier-ignore

const scriptHash = Buffer.from(sha256(Buffer.from(reportScript)), 'hex').toString('base64');

export function reportHtml(report: ProofReport, { picture, shown }: Pick<Evaluated, 'picture' | 'shown'>): string {
  const { run, verdict } = report;
  const title = `${headlines[verdict.outcome]} — ${run?.runId ?? 'unnamed run'}`;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${new Markup(scriptHash)}'" />
        <title>${title}</title>
        <style>
          ${new Markup(reportStyle)}
        </style>
      </head>
      <body>
        <header>
          <p class="note">
            ${run ? `${run.tool.name} ${run.tool.version} · run ${run.runId} · ${run.startedAt}` : 'The journal does not say which run this is.'}
          </p>
          <h1 class="${verdict.outcome}">${headlines[verdict.outcome]}</h1>
          <p>${verdict.blame ? markup`Blame: <strong>${verdict.blame}</strong>. ` : ''}${verdict.summary}. Exit code ${verdict.exitCode}.</p>
        </header>
        <main>
          ${numbers(report)} ${notPassed(report, shown)} ${timeline(picture)} ${topology(report, picture)} ${latencies(picture)} ${resources(picture, report)} ${ledgers(verdict.rows)} ${faults(report)}
          ${parts(report)} ${checks(verdict.rows)} ${notRun(verdict.rows)} ${nodes(report)}
          ${plantedBugs(report)} ${calibrations(report)} ${timings(report)} ${again(report)}
        </main>
        <footer>
          <p class="note">
            Evidence numbers are line numbers of <code>data/journal.jsonl</code>. This page is written from the journal alone:
            <code>muster verify</code> recomputes it, and refuses a bundle in which it differs. The page itself proves nothing.
          </p>
        </footer>
        ${new Markup(`<script type="application/json" id="picture">${timelineData(picture, report)}</script><script>${reportScript}</script>`)}
      </body>
    </html>
`.text;
}

function numbers({ verdict, journal, killRate, faults }: ProofReport): Fragment {
  const bitten = faults.filter(({ stages }) => stages.bit !== undefined).length;
  const entries: (readonly [string, string | number])[] = [
    ['checks', verdict.rows.filter(wasAskedFor).length],
    ['of them exercised', verdict.exercised],
    ['blamed on the target', verdict.blamed.target],
    ['blamed on lab or harness', verdict.blamed.lab + verdict.blamed.harness],
    ['faults that bit', `${bitten} of ${faults.length}`],
    ...(killRate === null ? [] : ([['planted bugs caught', `${Math.round(killRate * 1000) / 10} %`]] as const)),
    ['duration', milliseconds(journal.duration)],
    ['journal lines', journal.lines],
  ];
  const items = entries.map(
    ([term, value]) =>
      markup`<div>
        <dt>${term}</dt>
        <dd>${value}</dd>
      </div>`,
  );
  return markup`<section aria-label="Numbers"><dl class="numbers">${items}</dl></section>`;
}

function parts({ parts: all }: ProofReport): Fragment {
  if (all.length === 0) return '';
  const rows = all.map(({ name, ms }) => [name, milliseconds(ms)]);
  return section('parts', 'Where the time went', table('Booting worlds, and each suite', ['Part', '# Took'], rows));
}

function wasAskedFor({ filteredOut }: Row): boolean {
  return !filteredOut;
}

function notPassed(report: ProofReport, shown: Evaluated['shown']): Fragment {
  const { rows } = report.verdict;
  const others = rows.filter(({ status }) => status !== 'pass' && status !== 'notrun');
  if (others.length === 0)
    return markup`<section aria-labelledby="open">
      <h2 id="open">What did not pass</h2>
      <p>Nothing: every check that ran passed.</p>
    </section>`;
  const gravest = others.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  return section(
    'open',
    'What did not pass',
    [checkTable(others, `${others.length} of ${rows.filter(wasAskedFor).length} checks, gravest first`), evidenceOf(gravest, report, shown)], // prettier-ignore
  );
}

/** By reason: what was left out is not what failed, and needs no table of its own evidence. */
function notRun(rows: readonly Row[]): Fragment {
  const byReason = Map.groupBy(
    rows.filter(({ status }) => status === 'notrun'),
    ({ message }) => message,
  );
  if (byReason.size === 0) return '';
  const lines = [...byReason].map(([reason, left]) => [reason, left.map(({ id }) => markup`<code>${id}</code> `)]);
  return section('notrun', 'What was not run', table('Left out, by reason', ['Why', 'Checks'], lines));
}

function checks(rows: readonly Row[]): Fragment {
  const passed = rows.filter(({ status }) => status === 'pass');
  if (passed.length === 0)
    return markup`<section aria-labelledby="passed">
      <h2 id="passed">What passed</h2>
      <p>Nothing.</p>
    </section>`;
  return section('passed', 'What passed', checkTable(passed, `${passed.length} of ${rows.filter(wasAskedFor).length} checks`));
}

function checkTable(rows: readonly Row[], caption: string): Fragment {
  const sorted = rows.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  return table(
    caption,
    ['Check', 'Status', 'Blame', 'What was found', 'Evidence', '# Took'],
    sorted.map((row) => [
      markup`<code>${row.id}</code>${row.title ? markup`<br />${row.title}` : ''}<br /><span class="note">${row.level} ${row.requirement}</span>`,
      markup`<span class="status ${row.status}">${row.status}</span>${row.attempts > 1 ? markup`<br /><span class="note">${row.attempts} attempts</span>` : ''}`,
      row.blame ?? '—',
      markup`<span class="message">${row.message}</span>`,
      row.evidence.join(', '),
      milliseconds(row.duration),
    ]),
  );
}

const ledgerColumns = ['published', 'delivered', 'refused', 'expired', 'inFlight', 'unknown', 'unbalanced'] as const satisfies (keyof LedgerRow)[];

function ledgers(rows: readonly Row[]): Fragment {
  const kept = rows.filter(({ ledger }) => ledger !== undefined);
  if (kept.length === 0) return section('ledger', 'Ledger', markup`<p>No ledger was kept in this run.</p>`);
  const tables = kept.map(({ id, ledger = [] }) =>
    table(
      `${id}: published = delivered + refused + expired + in flight, by subscriber`,
      ['Subscriber', '# Published', '# Delivered', '# Refused', '# Expired', '# In flight', '# No answer', '# Unbalanced'],
      ledger.map((row) => [row.subscriber, ...ledgerColumns.map((column) => row[column])]),
    ),
  );
  return section('ledger', 'Ledger', tables);
}

function faults({ faults: all }: ProofReport): Fragment {
  if (all.length === 0) return section('faults', 'Faults', markup`<p>No fault was injected.</p>`);
  const headings = ['Fault', 'Kind', 'Node', '# Requested', '# Applied', '# Bit', '# Healed', '# Heal seen'];
  const rows = all.map(({ id, kind, node, stages }) => [id, kind, node, ...faultStages.map((stage) => moment(stages[stage]))]);
  return section('faults', 'Faults', table('Time since the run began at which each stage was seen', headings, rows));
}

function nodes({ worlds }: ProofReport): Fragment {
  if (worlds.length === 0) return section('nodes', 'Nodes', markup`<p>No world was recorded.</p>`);
  const rows = worlds.flatMap(({ world, nodes: members }) =>
    members.map(({ name, implementation, version, agentId }) => [
      world,
      name,
      `${implementation ?? '—'} ${version ?? ''}`.trimEnd(),
      markup`<code>${agentId ?? '—'}</code>`,
    ]),
  );
  return section('nodes', 'Nodes', table('Every node of every world', ['World', 'Node', 'Implementation', 'Agent'], rows));
}

/** Those that were missed come first: what they stand for may be in the target unseen. */
function plantedBugs({ plantedBugs: all }: ProofReport): Fragment {
  if (all.length === 0) return '';
  const rows = all
    .toSorted((a, b) => Number(a.caught) - Number(b.caught))
    .map(({ name, plants, caughtBy, caught }) => [
      name,
      caught ? markup`<span class="status pass">caught</span>` : markup`<span class="status fail">missed</span>`,
      plants,
      markup`<code>${caughtBy}</code>`,
    ]);
  const caption = `${all.filter(({ caught }) => caught).length} of ${all.length} were caught when these suites were last put to the proof`;
  return section('oracles', 'Planted bugs', table(caption, ['Saboteur', 'Caught', 'Its node', 'Check that has to fail'], rows));
}

function calibrations({ calibrations: all }: ProofReport): Fragment {
  if (all.length === 0) return section('calibration', 'Calibration', markup`<p>The lab did not measure itself in this run.</p>`);
  const rows = all.map(({ name, wanted, measured, unit, within: [low, high], ok }) => [
    name,
    wanted === undefined ? '–' : `${wanted} ${unit}`,
    `${measured} ${unit}`,
    `${low ?? '…'} to ${high ?? '…'} ${unit}`,
    ok ? markup`<span class="status pass">yes</span>` : markup`<span class="status fail">no</span>`,
  ]);
  return section(
    'calibration',
    'Calibration',
    table('What the lab measured about itself', ['Name', '# Wanted', '# Measured', 'Tolerance', 'Within'], rows),
  );
}

function timings({ phases }: ProofReport): Fragment {
  if (phases.length === 0) return section('timings', 'Timings', markup`<p>No phase was recorded.</p>`);
  const rows = phases.map(({ scenario, phase, end, from, duration }) => [scenario, phase, end, moment(from), milliseconds(duration)]);
  return section('timings', 'Timings', table('Phases of each scenario', ['Scenario', 'Phase', 'Ended by', '# Began', '# Took'], rows));
}

function again({ run }: ProofReport): Fragment {
  if (!run) return '';
  return section(
    'again',
    'Do it again',
    markup`<pre>${run.reproduce}</pre>
      <p>Seed <code>${run.seed}</code>. Replay level <strong>${run.replay.level}</strong>: ${run.replay.note}</p>
      ${table(
        'Inputs and versions',
        ['Name', 'Value'],
        [...Object.entries(run.inputs), ...Object.entries(run.versions)].map(([name, value]) => [
          name,
          typeof value === 'string' ? value : show(value),
        ]),
      )}`,
  );
}

function moment(value: number | undefined): string {
  return value === undefined ? '—' : milliseconds(value);
}
