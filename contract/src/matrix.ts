/** Which capability is offered where, and why not elsewhere. */
import type { Absent, Capability } from './capability.ts';
import { cliUsage } from './cli-form.ts';
import type { AnyRegistry } from './registry.ts';

export const SURFACES = ['rest', 'cli', 'client', 'ws'] as const;
export type Surface = (typeof SURFACES)[number];

/** `form`: how it is called there. */
export type Cell = { readonly form: string } | Absent;

export interface MatrixRow {
  readonly capability: string;
  readonly summary: string;
  readonly cells: Readonly<Record<Surface, Cell>>;
}

/** One row per capability, in the order of declaration. */
export function parityMatrix(registry: AnyRegistry): readonly MatrixRow[] {
  return Object.values(registry).map((capability) => ({
    capability: capability.name,
    summary: capability.summary,
    cells: {
      rest: { form: `${capability.method} ${capability.path}` },
      cli: present(capability.surfaces.cli, () => cliUsage(capability)),
      client: present(capability.surfaces.client, () => `client.${capability.name}(…)`),
      ws: present(capability.surfaces.ws, () => wsForm(capability)),
    },
  }));
}

function present(declared: unknown, form: () => string): Cell {
  return isAbsent(declared) ? declared : { form: form() };
}

function isAbsent(declared: unknown): declared is Absent {
  return typeof declared === 'object' && declared !== null && 'absent' in declared;
}

function wsForm(capability: Capability): string {
  return `{"type":${JSON.stringify(capability.surfaces.ws)},…}`;
}

/** As a Markdown table, with the reasons below it. */
export function renderMatrix(rows: readonly MatrixRow[]): string {
  const head = `| capability | ${SURFACES.join(' | ')} |\n|${'---|'.repeat(SURFACES.length + 1)}`;
  const reasons: string[] = [];
  const cell = (found: Cell): string => {
    if ('form' in found) return `\`${found.form}\``;
    if (!reasons.includes(found.absent)) reasons.push(found.absent);
    return `– (${reasons.indexOf(found.absent) + 1})`;
  };
  const body = rows.map((row) => `| ${row.capability} | ${SURFACES.map((surface) => cell(row.cells[surface])).join(' | ')} |`);
  return [head, ...body, '', ...reasons.map((reason, index) => `${index + 1}. ${reason}`), ''].join('\n');
}
