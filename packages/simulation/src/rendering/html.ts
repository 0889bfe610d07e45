import { type Diagram, type Fold, type RenderedFailure, type Step, foldText } from './diagram.ts'
import { diagramOf } from './folding.ts'
import { SCRIPT } from './html-script.ts'
import { STYLE } from './html-style.ts'
import { faultText, foundText, timeText } from './wording.ts'

/**
 * A failing history as one HTML file: no network, light and dark, usable by keyboard, and with long histories. Everything that comes from the history is
 * escaped; a policy inside the page forbids it to load or send anything.
 */
export function historyAsHtml(failure: RenderedFailure): string {
  const diagram = diagramOf(failure)
  const { invariant, message, faults, history } = failure
  const total = diagram.rows.reduce((sum, row) => sum + (row.kind === 'fold' ? row.steps.length : 1), 0)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escaped(invariant)}: a failing history</title>
<style>${STYLE}</style>
<body style="--lanes:${Math.max(1, diagram.lanes.length)}">
<header>
<h1><span aria-hidden="true">✗</span> ${escaped(invariant)}</h1>
<pre class="verdict">${escaped(message)}</pre>
<p>${escaped(foundText(failure))}</p>
${faults.length === 0 ? '' : `<ul class="faults">${faults.map((fault) => `<li>${escaped(faultText(fault))}</li>`).join('')}</ul>`}
<p class="replay"><label for="replay">Run it again by replay</label><input id="replay" readonly value="${escaped(history)}"><button type="button" id="copy">Copy</button></p>
<nav><button type="button" id="next">Next fault <kbd>n</kbd></button><button type="button" id="previous">Previous <kbd>p</kbd></button><button type="button" id="all" aria-pressed="false">Show all ${total} steps <kbd>a</kbd></button><span class="hint">Steps: <kbd>j</kbd> <kbd>k</kbd></span></nav>
</header>
<main>
<div class="lanes" aria-hidden="true"><span class="time"></span><span class="names">${diagram.lanes.map((lane) => `<b title="${escaped(lane)}">${escaped(lane)}</b>`).join('')}</span></div>
<ol>
${new Rows(diagram).html()}
</ol>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`
}

/** Draws row by row, and knows who is down. */
class Rows {
  readonly #diagram: Diagram
  readonly #down = new Set<string>()

  constructor(diagram: Diagram) {
    this.#diagram = diagram
  }

  html(): string {
    return this.#diagram.rows.map((row) => (row.kind === 'fold' ? this.#fold(row) : this.#step(row))).join('\n')
  }

  #fold(fold: Fold): string {
    const text = foldText(fold)
    const steps = fold.steps.map((step) => this.#step(step)).join('\n')
    return `<li class="fold${text === undefined ? ' routine' : ''}"><details><summary>${escaped(text ?? 'starts')}</summary><ol>\n${steps}\n</ol></details></li>`
  }

  #step(step: Step): string {
    const { kind, lane, to, lost, isFault, text, atMs } = step
    const { lanes } = this.#diagram
    const from = lanes.indexOf(lane)
    const down = lanes.flatMap((name, at) =>
      this.#down.has(name) && !(kind === 'start' && name === lane) ? [`<s style="--at:${at}"></s>`] : [],
    )
    if (kind === 'crash') this.#down.add(lane)
    if (kind === 'start') this.#down.delete(lane)
    const classes = [kind, isFault ? 'fault' : '', lost === true ? 'lost' : ''].filter((name) => name !== '').join(' ')
    const who = kind === 'phase' ? '' : `<b>${escaped(to === undefined ? lane : `${lane} → ${to}`)}</b> `
    return `<li class="${classes}" tabindex="-1"><time>${timeText(atMs)}</time><span class="line" aria-hidden="true">${down.join('')}${kind === 'phase' ? '' : mark(from, to === undefined ? from : lanes.indexOf(to))}</span><span class="text">${who}${escaped(text)}</span></li>`
  }
}

function mark(from: number, to: number): string {
  if (from === to) return `<i class="dot" style="--at:${from}"></i>`
  return `<i class="arrow ${from < to ? 'right' : 'left'}" style="--at:${Math.min(from, to)};--span:${Math.abs(to - from)}"></i>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
}
