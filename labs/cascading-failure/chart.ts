import { type Observed, type Series, seriesOf } from './figures.ts'
import { ARRIVALS_PER_SECOND, SERVICES, type ServiceName } from './stages.ts'

/** One picture: a row for each stage, and in it what is in flight, what inventory gets, and what customers get. The same scales in every row. */
export function chart(all: readonly Observed[]): string {
  const series = all.map((each) => seriesOf(each, SLICE_MS))
  const columns = columnsOf(series)
  const height = HEAD + all.length * ROW + 8
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title about">`,
    '<title id="title">Cascading failure, stage by stage</title>',
    `<desc id="about">Requests in flight by service, load on inventory and pages in time, over time, for: ${escaped(all.map(({ stage }) => stage.title).join('; '))}.</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    ...headOf(columns),
    ...all.flatMap((each, row) => rowOf(each, series[row]!, columns, HEAD + row * ROW)),
    '</svg>\n',
  ].join('\n')
}

const SLICE_MS = 500
const WIDTH = 1_000
const HEAD = 96
const ROW = 152
const TITLE = 26
const PLOT = { width: 262, height: 92 } as const
const COLUMN_X = [50, 386, 722] as const

interface Column {
  readonly title: string
  readonly ticks: readonly number[]
  /** Where a value is between the axis, 0, and the top, 1. */
  readonly at: (value: number) => number
  readonly lines: (series: Series) => readonly { readonly name: string; readonly values: readonly number[] }[]
}

function columnsOf(all: readonly Series[]): readonly [Column, Column, Column] {
  const inFlightMax = Math.max(10, ...all.flatMap(({ inFlight }) => [...inFlight.values()].flat()))
  const loadMax = niceMax(Math.max(...all.flatMap(({ load }) => load)))
  const goodputMax = niceMax(Math.max(...all.flatMap(({ goodput }) => goodput)))
  const inFlightTop = niceMax(inFlightMax)
  const decades = [10, 100, 1_000, 10_000].filter((decade) => decade <= inFlightTop)
  return [
    {
      title: 'in flight, by service (logarithmic)',
      ticks: [0, ...decades],
      at: (value) => Math.log1p(value) / Math.log1p(inFlightTop),
      lines: ({ inFlight }) => [...inFlight].toReversed().map(([name, values]) => ({ name, values })),
    },
    {
      title: 'requests a second that inventory gets',
      ticks: [0, loadMax / 2, loadMax],
      at: (value) => Math.min(1, value / loadMax),
      lines: ({ load }) => [{ name: 'inventory', values: load }],
    },
    {
      title: `pages a second in time, of ${ARRIVALS_PER_SECOND.checkout + ARRIVALS_PER_SECOND.product}`,
      ticks: [0, goodputMax / 2, goodputMax],
      at: (value) => Math.min(1, value / goodputMax),
      lines: ({ goodput }) => [{ name: 'goodput', values: goodput }],
    },
  ]
}

function headOf(columns: readonly Column[]): string[] {
  const lines = ['<text class="title" x="16" y="30">Cascading failure: what one slow service does to the others</text>']
  let x = 16
  for (const name of SERVICES) {
    lines.push(
      `<line class="line ${name}" x1="${x}" y1="52" x2="${x + 20}" y2="52"/>`,
      `<text class="label" x="${x + 26}" y="56">${name}</text>`,
    )
    x += 44 + name.length * 7.4
  }
  lines.push(
    `<rect class="slow" x="${x}" y="44" width="20" height="16"/>`,
    `<text class="label" x="${x + 26}" y="56">inventory is slow</text>`,
  )
  for (const [index, { title }] of columns.entries())
    lines.push(`<text class="column" x="${COLUMN_X[index]}" y="86">${escaped(title)}</text>`)
  return lines
}

function rowOf({ stage, timeline, deaths }: Observed, series: Series, columns: readonly Column[], top: number): string[] {
  const lines = [`<text class="stage" x="16" y="${top + 18}">${escaped(stage.title)}</text>`]
  const died = deaths.find(({ service }) => service === 'storefront')
  for (const [index, column] of columns.entries()) {
    const left = COLUMN_X[index]!
    const plotTop = top + TITLE
    const x = (ms: number) => round(left + (ms / timeline.endMs) * PLOT.width)
    const y = (value: number) => round(plotTop + PLOT.height * (1 - column.at(value)))
    lines.push(
      `<rect class="slow" x="${x(timeline.slowFromMs)}" y="${plotTop}" width="${round(x(timeline.slowUntilMs) - x(timeline.slowFromMs))}" height="${PLOT.height}"/>`,
    )
    for (const tick of column.ticks) {
      lines.push(
        `<line class="grid" x1="${left}" y1="${y(tick)}" x2="${left + PLOT.width}" y2="${y(tick)}"/>`,
        `<text class="tick y" x="${left - 6}" y="${y(tick) + 4}">${tick}</text>`,
      )
    }
    for (let second = 0; second * 1_000 <= timeline.endMs; second += 2) {
      lines.push(`<text class="tick x" x="${x(second * 1_000)}" y="${plotTop + PLOT.height + 15}">${second} s</text>`)
    }
    for (const { name, values } of column.lines(series)) {
      const points = values.map((value, slice) => `${x((slice + 0.5) * SLICE_MS)},${y(value)}`)
      // A process that is dead has nothing in flight: its line ends.
      const isDead = died !== undefined && name === 'storefront'
      const shown = isDead ? points.slice(0, Math.max(1, Math.ceil(died.atMs / SLICE_MS))) : points
      lines.push(`<polyline class="line ${name}" points="${shown.join(' ')}"/>`)
    }
    if (died !== undefined) {
      const at = x(Math.min(died.atMs, timeline.endMs))
      lines.push(`<line class="death" x1="${at}" y1="${plotTop}" x2="${at}" y2="${plotTop + PLOT.height}"/>`)
      const isLate = died.atMs > timeline.endMs / 2
      if (index === 0)
        lines.push(`<text class="dead${isLate ? ' late' : ''}" x="${isLate ? at - 5 : at + 5}" y="${plotTop + 12}">storefront dies</text>`)
    }
  }
  return lines
}

/** A round number not below `max`, of which half is round too. */
function niceMax(max: number): number {
  const step = 10 ** Math.floor(Math.log10(Math.max(1, max)))
  return [1, 2, 3, 4, 6, 8, 10].map((times) => times * step).find((top) => top >= max)!
}

const round = (value: number) => Math.round(value * 10) / 10

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Readable on both grounds: each colour has at least 3 : 1 against its own. */
const COLOURS: Readonly<Record<ServiceName | 'goodput', readonly [light: string, dark: string]>> = {
  storefront: ['#1d4ed8', '#7ab0ff'],
  orders: ['#b45309', '#f0a742'],
  inventory: ['#b91c1c', '#ff8080'],
  reviews: ['#7c6f9c', '#a79bc9'],
  payments: ['#5f7a76', '#8fb0ab'],
  goodput: ['#15803d', '#5cc98a'],
}

const coloursOf = (scheme: 0 | 1) =>
  Object.entries(COLOURS)
    .map(([name, pair]) => `.${name}{stroke:${pair[scheme]}}`)
    .join('')

const STYLE = [
  'text{font-family:system-ui,sans-serif;fill:#1f2933}',
  '.title{font-size:17px;font-weight:600}.label,.column{font-size:13px}.stage{font-size:14px;font-weight:600}',
  '.tick{font-size:11px;fill:#52606d}.y{text-anchor:end}.x{text-anchor:middle}.dead{font-size:12px;font-weight:600}.late{text-anchor:end}',
  '.page{fill:#fff}.slow{fill:#fdebc8}.grid{stroke:#d3dae1}.line{fill:none;stroke-width:2;stroke-linejoin:round}.death{stroke:#1f2933;stroke-dasharray:4 3}',
  coloursOf(0),
  '@media (prefers-color-scheme:dark){text{fill:#e4e7eb}.tick{fill:#a5b1bd}.page{fill:#12181f}.slow{fill:#3d3115}.grid{stroke:#323d49}.death{stroke:#e4e7eb}',
  coloursOf(1),
  '}',
].join('')
