/** JSON answers for people: aligned keys, tables for lists of records, one line per event. */

type Fields = Readonly<Record<string, unknown>>;

/** Names of times; a number below says seconds since 1970, above it milliseconds. */
const TIME_NAME = /(?:_at|_seen|^timestamp)$/u;
const SECONDS_BELOW = 100_000_000_000;
/** Names of base64 that is usually text. */
const PAYLOAD_NAME = 'payload';

/** A list of more numbers than this is bytes, or as hard to read. */
const NUMBERS_SHOWN = 16;
/** Cells are cut to this where no terminal sets a limit. */
const CELL_LIMIT = 120;
/** No cell is cut below this: a line that is still too long wraps. */
const CELL_LEAST = 4;
/** 32 bytes or 16 in hex, or none */
const ID = /^(?:[0-9a-f]{32,}|-)$/u;
const ID_LEAST = 10;

/** Lines without the last line break, in tables as wide as `columns`. A leading `ok: true` goes without saying; what needs lines of its own comes last. */
export function render(answer: unknown, columns = Infinity): string {
  if (!isFields(answer)) return renderList('', answer, columns).join('\n');
  const entries = Object.entries(answer).filter(([name, value]) => !(name === 'ok' && value === true));
  if (entries.length === 0) return 'ok';
  const [[name, value]] = entries as [[string, unknown]];
  if (entries.length === 1 && Array.isArray(value)) return renderList(name, value, columns).join('\n');
  return renderFields(linesLast(entries), columns).join('\n');
}

function linesLast(entries: readonly (readonly [string, unknown])[]): (readonly [string, unknown])[] {
  return entries.toSorted(([, a], [, b]) => Number(!isScalar(a)) - Number(!isScalar(b)));
}

/** One event as one line: `name key=value …`; what the compatible API wraps in `data` is unwrapped. */
export function renderEvent(event: string, data: unknown): string {
  const fields = isFields(data) && isFields(data['data']) ? data['data'] : data;
  if (!isFields(fields)) return `${event} ${scalar('', fields)}`;
  return [event, ...Object.entries(fields).map(([name, value]) => `${printable(name)}=${quoted(scalar(name, value))}`)].join(' ');
}

function renderFields(entries: readonly (readonly [string, unknown])[], columns: number): string[] {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.flatMap(([name, value]) => {
    const label = printable(name).padEnd(width);
    if (isScalar(value)) return [`${label}  ${scalar(name, value)}`];
    const inner = Array.isArray(value) ? renderList('', value, columns - 2) : renderFields(Object.entries(value as Fields), columns - 2);
    if (inner.length === 0) return [`${label}  none`];
    if (inner.length === 1 && Array.isArray(value) && value.every(isScalar)) return [`${label}  ${inner[0]}`];
    return [printable(name), ...inner.map((line) => `  ${line}`)];
  });
}

function renderList(name: string, value: unknown, columns: number): string[] {
  if (!Array.isArray(value)) return [scalar(name, value)];
  if (value.length === 0) return [name === '' ? 'none' : `no ${name.replaceAll('_', ' ')}`];
  if (!value.every(isFields)) return value.map((item) => scalar(name, item));
  return isLegible(value, columns) ? renderTable(value, columns) : renderBlocks(value, columns);
}

/** Whether a table of these records has room for the names of its columns. */
function isLegible(rows: readonly Fields[], columns: number): boolean {
  const [header = ''] = renderTable(rows, columns);
  return !header.includes('…');
}

/** One record below the other, a line between them. */
function renderBlocks(rows: readonly Fields[], columns: number): string[] {
  return rows.flatMap((row, index) => [...(index === 0 ? [] : ['']), ...renderFields(linesLast(Object.entries(row)), columns)]);
}

/** Columns as wide as their content, the last one unpadded. Cells are cut when `columns` are given: to fit, or for `Infinity` to 120. */
export function renderTable(rows: readonly Fields[], columns?: number): string[] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const full = [names.map((name) => printable(name).toUpperCase()), ...rows.map((row) => names.map((name) => scalar(name, row[name])))];
  const natural = names.map((_, column) => Math.max(...full.map((row) => row[column]!.length)));
  const isId = names.map((_, column) => full.slice(1).every((row) => ID.test(row[column]!)));
  const widths = columns === undefined ? natural : fitted(natural, isId, columns);
  const cells = full.map((row) => row.map((cell, column) => cut(cell, widths[column]!)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** As wide as each column may be: ids give way first, for they are told apart by their beginnings, then the widest. */
function fitted(widths: readonly number[], isId: readonly boolean[], columns: number): number[] {
  if (columns === Infinity) return widths.map((width) => Math.min(width, CELL_LIMIT));
  let fit = [...widths];
  const shrink = (least: number, which: readonly boolean[]): void => {
    for (let limit = Math.max(...fit) - 1; limit >= least && fit.reduce((sum, width) => sum + width + 2, -2) > columns; limit -= 1) {
      fit = fit.map((width, column) => (which[column] ? Math.min(width, limit) : width));
    }
  };
  shrink(ID_LEAST, isId);
  shrink(
    CELL_LEAST,
    isId.map(() => true),
  );
  return fit;
}

/** Never leaves half a character. */
function cut(cell: string, limit: number): string {
  return cell.length <= limit ? cell : `${cell.slice(0, limit - 1).replace(/[\ud800-\udbff]$/u, '')}…`;
}

function scalar(name: string, value: unknown): string {
  if (isManyNumbers(value)) return value.every(isByte) ? `(${value.length} bytes)` : `(${value.length} numbers)`;
  if (value === null || value === undefined) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return TIME_NAME.test(name) ? time(value) : String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.length === 0 ? '-' : printable(value.join(', '));
  if (typeof value !== 'string') return printable(JSON.stringify(value));
  return printable(name === PAYLOAD_NAME ? (textOf(value) ?? value) : value);
}

function time(value: number): string {
  const date = new Date(value < SECONDS_BELOW ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString().replace('.000Z', 'Z');
}

function textOf(base64: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}

const quoted = (text: string): string => (/[\s"]|^$/u.test(text) ? JSON.stringify(text) : text);

/** Peers choose some of these strings: they must not move the cursor, colour the screen or turn the direction of reading. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Takes one line. */
function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null || isManyNumbers(value);
}

function isManyNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > NUMBERS_SHOWN && value.every((each) => typeof each === 'number');
}

const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;
