import { KINDS } from './arrivals.ts'
import type { Answer } from './customers.ts'
import { type Figures, LATE_MS } from './figures.ts'
import type { Measured } from './measure.ts'
import type { SideName } from './sides.ts'

/** A side, as it is drawn. */
export interface Charted {
  readonly measured: Pick<Measured, 'side' | 'deploy' | 'crash'>
  readonly figures: Figures
}

const WIDTH = 1_000
const BARS = { top: 68, columns: [16, 350, 684], width: 300, height: 74 } as const
const BAR = { left: 0, width: 170, height: 15 } as const
const TIMES = { top: 236, row: 152, columns: [84, 576], width: 404, lane: 22 } as const

/** One picture: what each side costs, and below what customers met while payments were replaced, and while they had crashed. */
export function chart(sides: readonly Charted[]): string {
  const height = TIMES.top + sides.length * TIMES.row + 16
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title about">`,
    '<title id="title">The same shop as a monolith and as microservices</title>',
    `<desc id="about">Bars of latency, CPU, memory and rate for both; and every request over time while payments were deployed and while they crashed: served, kept waiting, or failed.</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    '<text class="title" x="16" y="26">The same shop as a monolith and as microservices</text>',
    ...legend(),
    ...METRICS.flatMap((metric, index) => barsOf(metric, sides, index)),
    ...PHASES.flatMap((phase, column) => timesOf(phase, sides, TIMES.columns[column]!)),
    '</svg>\n',
  ].join('\n')
}

interface Metric {
  readonly title: string
  readonly unit: string
  readonly of: (figures: Figures) => number
}

/** With what processes share counted once, where the system tells it. */
const memoryOf = ({ rssMb, netMb }: Figures['memory']) => netMb ?? rssMb

const METRICS: readonly Metric[] = [
  { title: 'browsing, p50', unit: 'ms', of: ({ latencyMs }) => latencyMs.browse.p50 },
  { title: 'checkout, p50', unit: 'ms', of: ({ latencyMs }) => latencyMs.checkout.p50 },
  { title: 'CPU of a checkout', unit: 'ms', of: ({ cpuMs }) => cpuMs.checkout },
  { title: 'arrivals a second that were held (more is better)', unit: '', of: ({ held }) => held.perSecond },
  { title: 'memory', unit: 'MB', of: ({ memory }) => memoryOf(memory) },
  { title: 'memory of two more of what does payments', unit: 'MB', of: ({ more }) => memoryOf(more) },
]

interface Phase {
  readonly title: string
  readonly answers: (measured: Charted['measured']) => readonly Answer[]
  /** Between which moments what does payments did not take work. */
  readonly away: (measured: Charted['measured']) => readonly [fromMs: number, untilMs: number]
}

const PHASES: readonly Phase[] = [
  {
    title: 'a new release of payments',
    answers: ({ deploy }) => deploy.answers,
    away: ({ deploy }) => [deploy.commandAtMs, deploy.readyAtMs],
  },
  {
    title: 'a crash in payments',
    answers: ({ crash }) => crash.answers,
    away: ({ crash }) => [crash.away.diedAtMs, crash.away.readyAtMs],
  },
]

function legend(): string[] {
  const sides = (['monolith', 'microservices'] as const).flatMap((side, index) => [
    `<rect class="${side}" x="${16 + index * 110}" y="40" width="14" height="12"/>`,
    `<text class="label" x="${36 + index * 110}" y="51">${side}</text>`,
  ])
  const met = (['served', 'late', 'failed'] as const).flatMap((kind, index) => [
    mark(kind, { x: 300 + index * 170, untilX: 314 + index * 170, y: 46 }),
    `<text class="label" x="${322 + index * 170}" y="51">${{ served: 'served', late: `waited over ${LATE_MS / 1_000} s`, failed: 'failed' }[kind]}</text>`,
  ])
  return [
    ...sides,
    ...met,
    `<rect class="away" x="790" y="40" width="14" height="12"/>`,
    '<text class="label" x="810" y="51">what does payments is away</text>',
  ]
}

function barsOf({ title, unit, of }: Metric, sides: readonly Charted[], index: number): string[] {
  const left = BARS.columns[index % BARS.columns.length]!
  const top = BARS.top + Math.floor(index / BARS.columns.length) * BARS.height
  const max = Math.max(...sides.map(({ figures }) => of(figures)), Number.MIN_VALUE)
  return [
    `<text class="label" x="${left}" y="${top + 14}">${escaped(title)}</text>`,
    ...sides.flatMap(({ figures }, row) => {
      const y = top + 21 + row * (BAR.height + 4)
      const width = round(Math.max(1, (of(figures) / max) * BAR.width))
      return [
        `<rect class="${figures.side}" x="${left + BAR.left}" y="${y}" width="${width}" height="${BAR.height}"/>`,
        `<text class="tick" x="${left + BAR.left + width + 6}" y="${y + 12}">${shown(of(figures))} ${unit}</text>`,
      ]
    }),
  ]
}

function timesOf({ title, answers, away }: Phase, sides: readonly Charted[], left: number): string[] {
  const endMs = Math.max(1, ...sides.flatMap(({ measured }) => answers(measured).map(({ atMs, tookMs }) => atMs + tookMs)))
  const x = (ms: number) => round(left + (Math.min(Math.max(0, ms), endMs) / endMs) * TIMES.width)
  return sides.flatMap(({ measured }, row) => {
    const top = TIMES.top + row * TIMES.row + 22
    const height = KINDS.length * TIMES.lane
    const [fromMs, untilMs] = away(measured)
    const y = (kind: Answer['kind']) => top + KINDS.indexOf(kind) * TIMES.lane + TIMES.lane / 2
    return [
      `<text class="run" x="${left}" y="${top - 8}">${escaped(`${measured.side}: ${title}`)}</text>`,
      `<rect class="away" x="${x(fromMs)}" y="${top}" width="${round(Math.max(1, x(untilMs) - x(fromMs)))}" height="${height}"/>`,
      ...KINDS.flatMap((kind) => [
        `<line class="grid" x1="${left}" y1="${y(kind)}" x2="${left + TIMES.width}" y2="${y(kind)}"/>`,
        `<text class="tick y" x="${left - 8}" y="${y(kind) + 4}">${kind}</text>`,
      ]),
      ...answers(measured).map((answer) =>
        mark(metBy(answer), { x: x(answer.atMs), untilX: x(answer.atMs + answer.tookMs), y: y(answer.kind) }),
      ),
      ...secondsUpTo(endMs).map((at) => `<text class="tick x" x="${x(at * 1_000)}" y="${top + height + 15}">${at} s</text>`),
    ]
  })
}

type Met = 'served' | 'late' | 'failed'

function metBy({ outcome, tookMs }: Answer): Met {
  if (outcome === 'failed') return 'failed'
  return tookMs >= LATE_MS ? 'late' : 'served'
}

/** A request, where it came; one that was kept waiting as long as it waited. */
function mark(met: Met, { x, untilX, y }: { readonly x: number; readonly untilX: number; readonly y: number }): string {
  switch (met) {
    case 'served':
      return `<circle class="served" cx="${x}" cy="${y}" r="2.5"/>`
    case 'late':
      return `<rect class="late wait" x="${x}" y="${y - 2}" width="${round(Math.max(2, untilX - x))}" height="4"/><circle class="late" cx="${x}" cy="${y}" r="2.5"/>`
    case 'failed':
      return `<path class="failed" d="M${round(x - 4)} ${y - 5}l8 10m0-10l-8 10"/>`
  }
}

function secondsUpTo(endMs: number): readonly number[] {
  const step = Math.max(1, Math.ceil(endMs / 8_000))
  return Array.from({ length: Math.floor(endMs / 1_000 / step) + 1 }, (_, index) => index * step)
}

const shown = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0))

const round = (value: number): number => Math.round(value * 10) / 10

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Readable on both grounds; what customers met is told apart by shape as well. */
const COLOURS: Readonly<Record<SideName | Met, readonly [light: string, dark: string]>> = {
  monolith: ['#1d4ed8', '#7ab0ff'],
  microservices: ['#b45309', '#f0a742'],
  served: ['#15803d', '#5cc98a'],
  late: ['#b45309', '#f0a742'],
  failed: ['#b91c1c', '#ff8080'],
}

const coloursOf = (scheme: 0 | 1) =>
  Object.entries(COLOURS)
    .map(([name, pair]) => `.${name}{fill:${pair[scheme]}}`)
    .join('') + `.failed{fill:none;stroke:${COLOURS.failed[scheme]}}`

const STYLE = [
  'text{font-family:system-ui,sans-serif;fill:#1f2933}',
  '.title{font-size:17px;font-weight:600}.run{font-size:14px;font-weight:600}.label{font-size:13px}.tick{font-size:11px;fill:#52606d}.y{text-anchor:end}.x{text-anchor:middle}',
  '.wait{opacity:.4}.page{fill:#fff}.grid{stroke:#d3dae1}.away{fill:#e6e9ed}.failed{stroke-width:2}',
  coloursOf(0),
  '@media (prefers-color-scheme:dark){text{fill:#e4e7eb}.tick{fill:#a5b1bd}.page{fill:#12181f}.grid{stroke:#323d49}.away{fill:#2a3440}',
  coloursOf(1),
  '}',
].join('')
