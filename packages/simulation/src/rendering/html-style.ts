/** The look of {@link historyAsHtml}. Lanes are equal parts of one column, so that an arrow is placed by the numbers of its lanes alone. */
export const STYLE = `
:root { --paper: #fff; --ink: #1c2330; --soft: #5b6472; --rule: #d5dae2; --lane: #c6cdd7; --hover: #f0f4fa; --arrow: #1f5fbf; --commit: #1a7f4b; --fault: #c0262d; --fault-paper: #fdeeee; --focus: #1f5fbf; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12161d; --ink: #e4e8ee; --soft: #9aa5b4; --rule: #2b323d; --lane: #3c4653; --hover: #1b222d; --arrow: #7db2ff; --commit: #5fd39a; --fault: #ff8085; --fault-paper: #35191c; --focus: #7db2ff; }
}
* { box-sizing: border-box; }
body { --lane-width: clamp(5rem, calc((100vw - 30rem) / var(--lanes)), 11rem); --time-width: 6.5rem; margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
header { padding: 1rem 1.25rem .5rem; max-width: min(72rem, 100vw); position: sticky; left: 0; }
h1 { margin: 0 0 .25rem; font-size: 1.3rem; line-height: 1.3; overflow-wrap: anywhere; }
h1 span, .faults { color: var(--fault); }
.verdict { margin: .25rem 0 .75rem; font: 14px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 16rem; overflow: auto; }
p { margin: .25rem 0; }
.faults { margin: .25rem 0 .75rem; padding-left: 1.25rem; font-weight: 600; }
.replay { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; color: var(--soft); }
.replay input { flex: 1 1 16rem; min-width: 0; font: 13px ui-monospace, monospace; padding: .3rem .5rem; color: var(--ink); background: var(--hover); border: 1px solid var(--rule); border-radius: 4px; }
nav { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; margin: .75rem 0 .25rem; }
button { font: inherit; font-size: 14px; padding: .25rem .7rem; color: var(--ink); background: var(--paper); border: 1px solid var(--lane); border-radius: 4px; cursor: pointer; }
button:hover { background: var(--hover); }
kbd { font: 12px ui-monospace, monospace; padding: 0 .3rem; border: 1px solid var(--rule); border-radius: 3px; color: var(--soft); }
.hint { color: var(--soft); font-size: 14px; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: -2px; }
main { min-width: min-content; padding-bottom: 40vh; }
ol { list-style: none; margin: 0; padding: 0; }
.lanes, main li:not(.fold) { display: grid; grid-template-columns: var(--time-width) calc(var(--lane-width) * var(--lanes)) minmax(20rem, 1fr); }
.lanes { position: sticky; top: 0; z-index: 1; background: var(--paper); border-bottom: 1px solid var(--rule); }
.names { display: grid; grid-template-columns: repeat(var(--lanes), var(--lane-width)); }
.names b { padding: .35rem .25rem; text-align: center; font-size: 13px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
main li:not(.fold) { min-height: 1.9rem; content-visibility: auto; contain-intrinsic-size: auto 1.9rem; }
main li:not(.fold):hover { background: var(--hover); }
time { padding: .2rem .75rem; text-align: right; color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.line { position: relative; background: repeating-linear-gradient(90deg, transparent 0 calc(var(--lane-width) / 2 - 1px), var(--lane) calc(var(--lane-width) / 2 - 1px) calc(var(--lane-width) / 2 + 1px), transparent calc(var(--lane-width) / 2 + 1px) var(--lane-width)); }
.line s { position: absolute; top: 0; bottom: 0; left: calc(var(--lane-width) * (var(--at) + .5) - 3px); width: 6px; background: var(--paper); }
.line i { position: absolute; top: .9rem; color: var(--arrow); }
.dot { left: calc(var(--lane-width) * (var(--at) + .5) - 5px); width: 10px; height: 10px; margin-top: -5px; border-radius: 50%; background: currentColor; }
.arrow { left: calc(var(--lane-width) * (var(--at) + .5) + 1px); width: calc(var(--lane-width) * var(--span) - 2px); border-top: 2px solid; margin-top: -1px; }
.arrow::after { content: ''; position: absolute; top: -6px; border: 5px solid transparent; }
.right::after { right: 0; border-left: 8px solid; border-right: 0; }
.left::after { left: 0; border-right: 8px solid; border-left: 0; }
.answer .arrow { border-top-style: dashed; }
.commit .dot { color: var(--commit); border-radius: 2px; }
.start .dot { background: var(--paper); border: 2px solid var(--commit); }
.note .dot, .pause .dot { color: var(--soft); }
.fault .line i, .lost .line i, .trouble .line i { color: var(--fault); }
.lost .arrow::after, .crash .dot { content: '✗'; border: 0; background: none; font: 700 18px/1 system-ui, sans-serif; }
.lost .arrow::after { top: -10px; background: var(--paper); padding: 0 1px; }
.lost .right::after { right: .5rem; } .lost .left::after { left: .5rem; }
.crash .dot::before { content: '✗'; position: absolute; left: -3px; top: -5px; background: var(--paper); }
.text { padding: .2rem .75rem; overflow-wrap: anywhere; }
.text b { font-weight: 600; color: var(--soft); margin-right: .25rem; }
.fault, .fault:hover { background: var(--fault-paper); }
.fault .text, .fault .text b { color: var(--fault); font-weight: 600; }
.fault .line s, .fault .line .dot::before, .fault .arrow::after { background-color: var(--fault-paper); }
.fault:not(.lost) .arrow::after { background: none; }
li.phase { color: var(--soft); border-top: 1px dashed var(--lane); font-style: italic; }
summary { position: sticky; left: 0; width: fit-content; max-width: 100vw; padding: .3rem 1rem; color: var(--soft); font-size: 14px; cursor: pointer; border-radius: 4px; }
.routine { display: none; } .all .routine { display: block; }
summary:hover { background: var(--hover); }
.fold { border-block: 1px dotted var(--rule); }
@media (max-width: 900px) {
  body { --lane-width: max(4.25rem, calc((100vw - 1rem) / var(--lanes))); }
  header { padding: .75rem .75rem .5rem; width: 100vw; }
  .hint { display: none; }
  .lanes, main li:not(.fold) { grid-template-columns: calc(var(--lane-width) * var(--lanes)); }
  .lanes .time { display: none; }
  main li:not(.fold) { padding: .15rem 0 .35rem; border-bottom: 1px solid var(--rule); position: relative; }
  .line { grid-area: 1 / 1; min-height: 1.8rem; }
  .text, time { grid-area: 2 / 1; align-self: start; justify-self: start; position: sticky; left: 0; width: 100vw; padding: .1rem .75rem; }
  .text { padding-right: 6rem; }
}
@media print { nav, .replay button { display: none; } .lanes { position: static; } }
`
