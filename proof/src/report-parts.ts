/** Pieces that every part of the report is made of. */
import { type Fragment, markup, Markup } from './html.ts';

export function section(id: string, heading: string, content: Fragment): Fragment {
  return markup`<section aria-labelledby="${id}">
    <h2 id="${id}">${heading}</h2>
    ${content}
  </section> `;
}

/** A heading that begins with `# ` is of a column of numbers. The first cell of each row is its header. */
export function table(caption: string, headings: readonly string[], rows: readonly (readonly Fragment[])[]): Fragment {
  const numeric = headings.map((heading) => heading.startsWith('# '));
  const labels = headings.map((heading) => heading.replace(/^# /, ''));
  const head = labels.map((label, index) => markup`<th scope="col" ${numberClass(numeric[index])}>${label}</th>`);
  const body = rows.map(
    ([first, ...rest]) =>
      markup`<tr>
        <th scope="row">${first}</th>
        ${rest.map((cell, index) => markup`<td${numberClass(numeric[index + 1])} data-label="${labels[index + 1]}">${cell}</td>`)}
      </tr> `,
  );
  return markup`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div> `;
}

function numberClass(numeric: boolean | undefined): Fragment {
  return numeric ? new Markup(' class="number"') : '';
}

export function milliseconds(value: number): string {
  return value < 10_000 ? `${Math.round(value * 10) / 10} ms` : `${Math.round(value / 100) / 10} s`;
}

/** A coordinate, to a tenth of a pixel. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
