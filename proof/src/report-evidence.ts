/** Each check that did not pass, with the lines that show it and the command that does it again. */
import { type Fragment, markup } from './html.ts';
import type { JournalLine } from './journal.ts';
import type { ProofReport } from './report.ts';
import { milliseconds } from './report-parts.ts';
import type { Row } from './verdict.ts';

const MOST_TOLD = 100;
const OPEN_AT_FIRST = 5;
const MOST_CHARACTERS = 1_500;

export function evidenceOf(rows: readonly Row[], { run }: ProofReport, shown: ReadonlyMap<number, JournalLine>): Fragment {
  const told = rows.slice(0, MOST_TOLD).map((row, index) => {
    const lines = row.evidence.map((seq) => shown.get(seq)).filter((line) => line !== undefined);
    const more = row.evidence.length - lines.length;
    return markup`<details class="evidence"${index < OPEN_AT_FIRST ? markup` open` : ''}>
      <summary><span class="status ${row.status}">${row.status}</span> <code>${row.id}</code></summary>
      <p>${row.title ? markup`${row.title}: ` : ''}<span class="message">${row.message}</span></p>
      ${lines.map(evidenceLine)}
      ${more > 0 ? markup`<p class="note">${more} further ${more === 1 ? 'line' : 'lines'} of evidence in the journal.</p>` : ''}
      ${run ? markup`<p>Do it again:</p><pre>${again(run.reproduce, row.id)}</pre>` : ''}
    </details> `;
  });
  const left = rows.length - told.length;
  return markup`${told}${left > 0 ? markup`<p class="note">${left} more are in the table only.</p>` : ''}`;
}

function evidenceLine(line: JournalLine): Fragment {
  const text = JSON.stringify(line);
  const said = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  return markup`<p class="line">
      Line ${line.seq}, ${milliseconds(line.t)}
      <button type="button" data-at="${line.t}">show on the time axis</button>
    </p>
    <pre>${said}</pre>`;
}

/** The run's command, narrowed to the scenario of the check where it belongs to one. */
function again(reproduce: string, check: string): string {
  const [suite = '', name = ''] = check.split('/');
  if (['run', 'target'].includes(suite) || name === '' || /\s--(grep|suite)\b/.test(reproduce)) return reproduce;
  return `${reproduce} --suite ${suite} --grep '^${suite}/${name} '`;
}
