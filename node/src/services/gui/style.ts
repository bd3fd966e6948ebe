/** Light and dark by the system's choice, one column below 44rem, no motion. */
export const STYLE = `
:root { color-scheme: light dark;
  --page: light-dark(#f6f7f6, #14181a); --card: light-dark(#ffffff, #1c2225); --ink: light-dark(#1a2023, #e7ecea);
  --quiet: light-dark(#566067, #9ba8ad); --line: light-dark(#d5dbd9, #333d41); --accent: light-dark(#00664f, #4fd1ae);
  --good: light-dark(#00664f, #4fd1ae); --warn: light-dark(#8a5a00, #f0c060); --bad: light-dark(#a8201a, #ff8a80);
  font: 1rem/1.5 system-ui, sans-serif; background: var(--page); color: var(--ink); }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0 auto; max-width: 72rem; padding: 0 1rem 2rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; padding: 1.25rem 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1rem; margin: 0 0 .75rem; }
p { margin: 0; }
#state { font-weight: 600; color: var(--quiet); }
#state::before { content: "\\25CF"; margin-inline-end: .4em; }
#state[data-state=connected] { color: var(--good); }
#state[data-state=connecting], #state[data-state=isolated], #state[data-state=degraded] { color: var(--warn); }
#state[data-state=down] { color: var(--bad); }
main { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
section, .notice { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0; }
.notice { border-inline-start: .25rem solid var(--warn); }
.notice ul { margin: 0; padding-inline-start: 1.25rem; }
@media (min-width: 44rem) {
  main { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .wide, .notice { grid-column: 1 / -1; }
}
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .35rem 1rem; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
code, .id, #events .text { font-family: ui-monospace, monospace; font-size: .875em; }
.id-row { display: flex; gap: .5rem; align-items: start; }
.id { overflow-wrap: anywhere; flex: 1; }
.count, .quiet { color: var(--quiet); font-weight: 400; }
.quiet { font-size: .875rem; }
.scroll { overflow: auto; max-height: 24rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; padding: .35rem 1rem .35rem 0; white-space: nowrap; border-block-end: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 500; font-size: .875rem; }
tbody:empty, table:has(tbody:empty) { display: none; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.row input { flex: 1 1 12rem; min-width: 0; }
input, button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: .375rem; padding: .3rem .7rem; }
button { cursor: pointer; }
button[type=submit] { background: var(--accent); border-color: var(--accent); color: var(--card); }
button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); }
button.copy { padding: 0 .5rem; font-size: .8125rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
#token-form { display: grid; gap: .5rem; }
#token-error { color: var(--bad); }
#events { list-style: none; margin: .5rem 0 0; padding: 0; }
#events li { display: grid; grid-template-columns: 5.5rem minmax(0, 1fr); gap: 0 .75rem; padding: .3rem 0; border-block-end: 1px solid var(--line); }
#events time { color: var(--quiet); font-size: .875rem; font-variant-numeric: tabular-nums; }
#events .text { grid-column: 2; overflow-wrap: anywhere; white-space: pre-wrap; unicode-bidi: isolate; }
#events li > bdi { overflow-wrap: anywhere; }
#events:empty { display: none; }
footer { padding-block-start: 1rem; color: var(--quiet); font-size: .875rem; }
.skip { position: absolute; inset-inline-start: -999rem; }
.skip:focus { inset-inline-start: 1rem; inset-block-start: .25rem; background: var(--card); padding: .5rem; }
@media (max-width: 30rem) {
  #events li { grid-template-columns: minmax(0, 1fr); }
  #events .text { grid-column: 1; }
  th, td { padding-inline-end: .5rem; font-size: .8125rem; white-space: normal; overflow-wrap: anywhere; }
}
`;
