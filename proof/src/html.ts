/** HTML text that cannot become markup: everything interpolated is escaped unless it is `Markup` already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Fragment = Markup | string | number | null | undefined | false | readonly Fragment[];

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

// Left-to-right and right-to-left overrides and isolates: they can make a reader see another text than the one recorded.
const bidirectional = /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g;

/** The text without what a reader could not see or would be misled by. */
export function visibleText(text: string): string {
  const visible = text.toWellFormed().replace(bidirectional, (mark) => `[U+${mark.charCodeAt(0).toString(16).toUpperCase()}]`);
  // oxlint-disable-next-line no-control-regex -- control characters are what is replaced
  return visible.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '\ufffd');
}

export function escapeHtml(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (character) => entities[character]!);
}

/** The tag is not named `html`, which formatters rewrite: the page must keep its bytes. */
export function markup(parts: TemplateStringsArray, ...values: readonly Fragment[]): Markup {
  return new Markup(parts.reduce((text, part, index) => text + render(values[index - 1]) + part));
}

function render(value: Fragment): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHtml(String(value));
}
