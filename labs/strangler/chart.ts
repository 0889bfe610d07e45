import { type Booking, isAboutReviews } from './booking.ts'
import { SLOW_FROM_MS } from './planted-faults.ts'
import type { Step } from './strangling.ts'

export interface ChartedRun {
  readonly title: string
  readonly bookings: readonly Booking[]
  readonly steps: readonly Step[]
}

/** What became of the answers of one slice of time. What is wrong counts as wrong, however long it took. */
interface Slice {
  readonly right: number
  readonly slow: number
  readonly wrong: number
}

const KINDS = [
  ['right', 'right, and not slow'],
  ['slow', 'slow answers about reviews'],
  ['wrong', 'wrong, stale or failed'],
] as const

const SLICE_MS = 500
const WIDTH = 1_000
const LEFT = 48
const PLOT = { width: WIDTH - LEFT - 16, height: 120 } as const
const HEAD = 64
const LINE = 17

/** One picture: the answers of each run over time, below each other, with what happened when. */
export function chart(runs: readonly ChartedRun[]): string {
  const sliced = runs.map((run) => slicesOf(run))
  const max = Math.max(1, ...sliced.flat().map(({ right, slow, wrong }) => right + slow + wrong))
  let top = HEAD
  const rows = runs.flatMap((run, index) => {
    const drawn = rowOf(run, sliced[index]!, { top, max })
    top += PLOT.height + 76 + run.steps.length * LINE
    return drawn
  })
  const legend = KINDS.map(
    ([kind, what], index) =>
      `<rect class="${kind}" x="${16 + index * 230}" y="38" width="14" height="12"/><text class="label" x="${36 + index * 230}" y="49">${what}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-labelledby="title about">`,
    '<title id="title">The same faulty service, at once and step by step</title>',
    `<desc id="about">Answers a second over time, by whether they were right, slow or wrong, for: ${escaped(runs.map(({ title }) => title).join('; '))}.</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${top}"/>`,
    '<text class="title" x="16" y="24">The same faulty service, at once and step by step</text>',
    ...legend,
    ...rows,
    '</svg>\n',
  ].join('\n')
}

function rowOf(
  { title, bookings, steps }: ChartedRun,
  slices: readonly Slice[],
  at: { readonly top: number; readonly max: number },
): string[] {
  const { top, max } = at
  const plotTop = top + 42
  const bottom = plotTop + PLOT.height
  const beganMs = beginOf(bookings)
  const sliceWidth = PLOT.width / Math.max(1, slices.length)
  const x = (ms: number) => round(LEFT + (ms / SLICE_MS) * sliceWidth)
  const height = (count: number) => round((count / max) * PLOT.height)
  const perSecond = (share: number) => Math.round((max * share * 1_000) / SLICE_MS)
  const lines = [
    `<text class="run" x="16" y="${top + 16}">${escaped(title)}</text>`,
    ...[0, 0.5, 1].map(
      (share) =>
        `<line class="grid" x1="${LEFT}" y1="${bottom - share * PLOT.height}" x2="${LEFT + PLOT.width}" y2="${bottom - share * PLOT.height}"/>` +
        `<text class="tick y" x="${LEFT - 6}" y="${bottom - share * PLOT.height + 4}">${perSecond(share)}</text>`,
    ),
  ]
  for (const [index, slice] of slices.entries()) {
    let y = bottom
    for (const [kind] of KINDS) {
      if (slice[kind] === 0) continue
      y = round(y - height(slice[kind]))
      lines.push(
        `<rect class="${kind}" x="${x(index * SLICE_MS)}" y="${y}" width="${round(Math.max(0.5, sliceWidth - 0.5))}" height="${height(slice[kind])}"/>`,
      )
    }
  }
  for (const [index, { atMs, what }] of steps.entries()) {
    const left = x(atMs - beganMs)
    lines.push(
      `<line class="step" x1="${left}" y1="${plotTop - 4}" x2="${left}" y2="${bottom}"/>`,
      `<text class="tick x" x="${left}" y="${plotTop - 7}">${index + 1}</text>`,
      `<text class="label" x="${LEFT}" y="${bottom + 36 + index * LINE}">${index + 1}: ${((atMs - beganMs) / 1_000).toFixed(1)} s, ${escaped(what)}</text>`,
    )
  }
  return lines
}

function slicesOf({ bookings }: ChartedRun): readonly Slice[] {
  const beganMs = beginOf(bookings)
  const slices: { right: number; slow: number; wrong: number }[] = []
  for (const booking of bookings) {
    const index = Math.floor((booking.atMs + booking.tookMs - beganMs) / SLICE_MS)
    while (slices.length <= index) slices.push({ right: 0, slow: 0, wrong: 0 })
    slices[index]![kindOf(booking)]++
  }
  return slices
}

function kindOf(booking: Booking): keyof Slice {
  if (booking.outcome !== 'served') return 'wrong'
  return isAboutReviews(booking) && booking.tookMs >= SLOW_FROM_MS ? 'slow' : 'right'
}

const beginOf = (bookings: readonly Booking[]): number =>
  bookings.reduce((first, { atMs }) => Math.min(first, atMs), Number.POSITIVE_INFINITY)

const round = (value: number): number => Math.round(value * 10) / 10

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Readable on both grounds, and told apart by those who see no colours: the darkest is the worst. */
const STYLE = [
  'text{font-family:system-ui,sans-serif;fill:#1f2933}',
  '.title{font-size:17px;font-weight:600}.run{font-size:14px;font-weight:600}.label{font-size:12px}.tick{font-size:11px;fill:#52606d}.y{text-anchor:end}.x{text-anchor:middle}',
  '.page{fill:#fff}.grid{stroke:#d3dae1}.step{stroke:#52606d;stroke-dasharray:3 3}.right{fill:#9fc5e8}.slow{fill:#d97706}.wrong{fill:#991b1b}',
  '@media (prefers-color-scheme:dark){text{fill:#e4e7eb}.tick{fill:#a5b1bd}.page{fill:#12181f}.grid{stroke:#323d49}.step{stroke:#a5b1bd}.right{fill:#33618a}.slow{fill:#f0a742}.wrong{fill:#ff8080}}',
].join('')
