import type { Figures } from './figures.ts'
import type { History } from './history.ts'
import { CONSUMERS } from './order.ts'

const WIDTH = 1_100
const NAME_WIDTH = 190
const ROW_HEIGHT = 30
const EXAMPLES_MAX = 100

/** A mark on a row: at a time, with what it stands for. */
interface Mark {
  readonly atMs: number
  readonly kind: 'plain' | 'none' | 'bad' | 'again'
  readonly title: string
}

interface Row {
  readonly name: string
  readonly marks: readonly Mark[]
}

const STYLE = `
:root { color-scheme: light dark; --paper: light-dark(#fff, #12161d); --ink: light-dark(#1c2330, #e4e8ee); --soft: light-dark(#5b6472, #9aa5b4); --rule: light-dark(#d5dae2, #2b323d); --bad: light-dark(#c0262d, #ff8085); --again: light-dark(#8a5a00, #e2b04a); }
body { margin: 0; padding: 1rem 1.25rem 3rem; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.3rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
p { max-width: 60rem; } .soft, figcaption { color: var(--soft); }
figure { margin: 0; overflow-x: auto; } svg { display: block; min-width: ${WIDTH}px; font: 13px system-ui, sans-serif; }
text { fill: var(--ink); } .axis { fill: var(--soft); } line.rule { stroke: var(--rule); }
.plain { stroke: var(--soft); } .none { stroke: var(--rule); } .bad { stroke: var(--bad); stroke-width: 2.5; } .again { stroke: var(--again); stroke-width: 2.5; } .kill { stroke: var(--bad); stroke-width: 1; stroke-dasharray: 3 3; opacity: .6; }
summary { cursor: pointer; margin: .75rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th, td { padding: .2rem 1.25rem .2rem 0; border-bottom: 1px solid var(--rule); text-align: left; font-weight: 400; }
`

/** Both histories as one page that needs nothing else: marks on a time axis, and the orders that went missing. */
export function timelinePage(told: readonly { readonly history: History; readonly figures: Figures }[]): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Lab: dual write</title>
<style>${STYLE}</style>
<h1>Lab: dual write</h1>
<p>Dashed lines are kills of the service that takes orders. A mark tells its order when the pointer rests on it.</p>
${told.map(section).join('\n')}
</html>
`
}

function section({ history, figures }: { readonly history: History; readonly figures: Figures }): string {
  const title = history.way === 'naive' ? 'Write, then publish' : 'With a transactional outbox'
  return `<h2>${title}</h2>
<p>${figures.stored} orders stored, <strong>${figures.lost.length} events lost</strong>, ${figures.publishedAgain} published again,
${figures.consumers['without-inbox'].duplicateEffects} parcels too many without an inbox and ${figures.consumers['with-inbox'].duplicateEffects} with one.</p>
<figure>${drawing(history, figures)}<figcaption>Red: lost, or a kill. Amber: once more. Faint: asked for, and not stored.</figcaption></figure>
${lostOrders(history, figures)}`
}

function rowsOf(history: History, { lost }: Figures): readonly Row[] {
  const stored = new Set(history.stored)
  const missing = new Set(lost)
  const seen = new Set<string>()
  /** Whether a thing is there for the second time or more. */
  const isAgain = (id: string) => seen.size === seen.add(id).size
  const asked = history.asked.map(({ orderId, atMs, outcome }): Mark => {
    const kind = missing.has(orderId) ? 'bad' : stored.has(orderId) ? 'plain' : 'none'
    const fate = missing.has(orderId) ? 'stored, and nobody ever heard of it' : stored.has(orderId) ? 'stored' : 'not stored'
    return { atMs, kind, title: `${orderId}: ${outcome}, ${fate}` }
  })
  const published = history.published.map(({ eventId, orderId, appendedAtMs }): Mark => {
    const again = isAgain(`log ${eventId}`)
    return { atMs: appendedAtMs, kind: again ? 'again' : 'plain', title: `${orderId}: published${again ? ' again' : ''}` }
  })
  const delivered = CONSUMERS.map((name): Row => {
    const marks = history.delivered
      .filter(({ consumer }) => consumer === name)
      .map(({ eventId, orderId, atMs }): Mark => {
        const again = isAgain(`${name} ${eventId}`)
        return { atMs, kind: again ? 'again' : 'plain', title: `${orderId}: delivered${again ? ' again' : ''}` }
      })
    return { name: `delivered, ${name.replace('-', ' ')}`, marks }
  })
  return [{ name: 'orders asked for', marks: asked }, { name: 'events in the log', marks: published }, ...delivered]
}

function drawing(history: History, figures: Figures): string {
  const rows = rowsOf(history, figures)
  const times = rows.flatMap(({ marks }) => marks.map(({ atMs }) => atMs))
  const [beginMs, endMs] = times.reduce(([least, most], atMs) => [Math.min(least, atMs), Math.max(most, atMs)], [Infinity, -Infinity])
  const x = (atMs: number) => (NAME_WIDTH + ((atMs - beginMs) / Math.max(1, endMs - beginMs)) * (WIDTH - NAME_WIDTH - 10)).toFixed(1)
  const height = (rows.length + 1) * ROW_HEIGHT
  const kills = history.orders.kills.map(
    ({ atMs, pid }) =>
      `<line class="kill" x1="${x(atMs)}" x2="${x(atMs)}" y1="0" y2="${height - ROW_HEIGHT}"><title>SIGKILL of process ${pid}</title></line>`,
  )
  const drawn = rows.map(({ name, marks }, row) => {
    const top = row * ROW_HEIGHT
    const lines = marks.map(
      ({ atMs, kind, title }) =>
        `<line class="${kind}" x1="${x(atMs)}" x2="${x(atMs)}" y1="${top + 6}" y2="${top + ROW_HEIGHT - 6}"><title>${title}</title></line>`,
    )
    return `<text x="0" y="${top + 20}">${name}</text><line class="rule" x1="0" x2="${WIDTH}" y1="${top + ROW_HEIGHT}" y2="${top + ROW_HEIGHT}"/>${lines.join('')}`
  })
  const seconds = ((endMs - beginMs) / 1_000).toFixed(1)
  return `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-label="What happened in ${seconds} seconds">${kills.join('')}${drawn.join('')}
<text class="axis" x="${NAME_WIDTH}" y="${height - 10}">0 s</text><text class="axis" x="${WIDTH - 10}" y="${height - 10}" text-anchor="end">${seconds} s</text></svg>`
}

function lostOrders(history: History, { lost }: Figures): string {
  if (lost.length === 0) return ''
  const rows = lost.slice(0, EXAMPLES_MAX).map((orderId) => {
    const asked = history.asked.find((candidate) => candidate.orderId === orderId)
    const kill = history.orders.kills.find(({ atMs }) => atMs >= (asked?.atMs ?? Infinity))
    const cells = asked === undefined || kill === undefined ? ['', ''] : [`${kill.atMs - asked.atMs} ms later`, String(kill.pid)]
    return `<tr><td>${orderId}</td><td>${asked?.outcome ?? ''}</td><td>${cells.join('</td><td>')}</td></tr>`
  })
  const more = lost.length > EXAMPLES_MAX ? `<p class="soft">and ${lost.length - EXAMPLES_MAX} more</p>` : ''
  return `<details><summary>The lost orders, and the kill that took each</summary><table><tr><th scope="col">Lost order</th><th scope="col">its customer</th><th scope="col">the kill</th><th scope="col">of process</th></tr>${rows.join('')}</table>${more}</details>`
}
