/** The report's style sheet. Text and background pairs keep a contrast of at least 4.5 : 1 in both schemes. */
export const reportStyle = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2024; --faint: #5b636b; --line: #d5dae0; --soft: #f4f6f8;
  --pass: #14683a; --fail: #a8201a; --doubt: #7a4d00; --other: #3d4f8a; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --ink: #e8eaed; --faint: #a3abb3; --line: #363c43; --soft: #1d2125;
    --pass: #67d394; --fail: #ff938c; --doubt: #f0bf5e; --other: #a9b8f5; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 78rem; margin: 0 auto; padding: 1rem 1.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem; }
p { margin: 0.4rem 0; max-width: 75ch; }
code, pre { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 4px; padding: 0.6rem 0.8rem; white-space: pre-wrap; margin: 0.4rem 0; }
dl.numbers { display: flex; flex-wrap: wrap; gap: 0.5rem 2.5rem; margin: 1rem 0; }
dl.numbers div { display: flex; flex-direction: column-reverse; }
dl.numbers dt { color: var(--faint); font-size: 0.9rem; }
dl.numbers dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
caption { text-align: left; color: var(--faint); padding: 0.2rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.8rem 0.35rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th[scope="row"] { font-weight: 400; min-width: 17rem; overflow-wrap: anywhere; }
.message { overflow-wrap: anywhere; min-width: 14rem; }
.status { font-weight: 600; white-space: nowrap; }
.pass, .passed { color: var(--pass); }
.fail, .failed, .crash, .timeout, .flaky, .stale-expected { color: var(--fail); }
.warn, .unverified, .inconclusive, .faulty { color: var(--doubt); }
.skipped, .notrun, .expected-fail { color: var(--other); }
.note { color: var(--faint); }
h3 { font-size: 1rem; margin: 1rem 0 0.2rem; }
.evidence { border: 1px solid var(--line); border-radius: 4px; padding: 0.3rem 0.8rem; margin: 0.5rem 0; }
.evidence summary { cursor: pointer; overflow-wrap: anywhere; }
.line { color: var(--faint); margin-top: 0.8rem; }
button { font: inherit; font-size: 0.85em; color: var(--other); background: none; border: 1px solid var(--line); border-radius: 4px; cursor: pointer; min-height: 1.75rem; }
button:hover, button:focus-visible, summary:focus-visible { border-color: currentColor; }
svg { display: block; max-width: 100%; }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.topology { width: 640px; height: auto; }
.topology circle { fill: var(--other); }
.route { stroke: var(--faint); }
.bars { width: 192px; height: 30px; fill: var(--other); background: var(--soft); }
.curves { width: 640px; height: auto; background: var(--soft); }
.curve { fill: none; stroke-width: 1.5; stroke: var(--other); }
.stroke { display: inline-block; width: 24px; height: 10px; vertical-align: middle; }
.c1 { stroke: var(--pass); } .c2 { stroke: var(--fail); } .c3 { stroke: var(--doubt); } .c4 { stroke-dasharray: 6 3; } .c5 { stroke-dasharray: 2 3; }
canvas { display: block; width: 100%; touch-action: pan-y; }
#lanes { cursor: grab; }
#overview { cursor: ew-resize; margin-bottom: 0.4rem; background: var(--soft); }
.kinds, .sliders { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; margin: 0.5rem 0; }
.sliders label { display: flex; align-items: center; gap: 0.5rem; flex: 1 1 14rem; }
.sliders input { flex: 1; min-width: 6rem; }
.kind::after { content: ""; display: inline-block; width: 0.8em; height: 0.8em; margin-left: 0.4em; background: var(--other); }
.k1::after, .k2::after { background: var(--doubt); } .k3::after { background: var(--pass); } .k4::after, .k5::after { background: var(--fail); } .k6::after { background: var(--faint); }
.window { max-height: 20rem; overflow: auto; border: 1px solid var(--line); }
.window td { white-space: nowrap; }
:focus-visible { outline: 2px solid var(--other); outline-offset: 2px; }
@media (max-width: 640px) {
  header, main, footer { padding: 0.75rem 1rem; }
  dl.numbers { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem 1.5rem; }
  table, caption, tbody, tr, th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { border-bottom: 1px solid var(--line); padding: 0.5rem 0; }
  th, td { border: 0; padding: 0.1rem 0; overflow-wrap: anywhere; }
  th[scope="row"], .message { min-width: 0; }
  td.number { text-align: left; white-space: normal; }
  td::before { content: attr(data-label) ": "; color: var(--faint); }
}
@media print { body { font-size: 11px; } header, main, footer { max-width: none; padding: 0; } }
`;
