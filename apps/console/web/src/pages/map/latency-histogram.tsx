import type { JSX } from 'preact'
import { follow } from '../../state/location.ts'
import { formatDuration, plural } from '../../view-model/format.ts'
import { routeUrl } from '../registry.ts'
import type { Bar } from './service-map.ts'

const WIDTH = 400
const HEIGHT = 120
const PLOT_TOP = 14
const PLOT_HEIGHT = HEIGHT - PLOT_TOP
const GAP = 1

/**
 * How long calls took: a bar for each range of durations, which grow by the same factor. Each bar leads to a trace that stands for it, one that failed where there is one.
 * A dozen rectangles; a plotting library would be larger than the page.
 */
export function LatencyHistogram({
  bars,
  percentiles,
}: {
  bars: readonly Bar[]
  percentiles: readonly [number, number, number]
}): JSX.Element {
  const step = Math.min(28, WIDTH / Math.max(1, bars.length))
  const used = step * bars.length
  const highest = Math.max(0, ...bars.map(({ count }) => count))
  const [first, last] = [bars[0], bars.at(-1)]
  const axis = first && last ? [first.fromMs, Math.sqrt(first.fromMs * last.toMs), last.toMs] : []
  return (
    <figure class="histogram" style={{ maxWidth: `${used}px` }}>
      <svg viewBox={`0 0 ${used} ${HEIGHT}`} role="group" aria-label="Calls by duration">
        <line class="base" x1="0" y1={HEIGHT - 0.5} x2={used} y2={HEIGHT - 0.5} />
        <text class="muted-fill" x="0" y="9">{`${highest.toLocaleString('en')} calls`}</text>
        {bars.map((bar, index) => (
          <Calls key={index} bar={bar} x={index * step} width={step - GAP} />
        ))}
      </svg>
      <div class="histogram-axis" aria-hidden="true">
        {axis.map((ms, index) => (
          <span key={index}>{formatDuration(ms * 1_000)}</span>
        ))}
      </div>
      <figcaption class="facts">
        {(['p50', 'p95', 'p99'] as const).map((name, index) => (
          <span key={name}>
            {name} <strong>{formatDuration(percentiles[index]! * 1_000)}</strong>
          </span>
        ))}
      </figcaption>
    </figure>
  )
}

function Calls({ bar, x, width }: { bar: Bar; x: number; width: number }): JSX.Element | null {
  const { count, errorCount, fromMs, toMs, exemplar } = bar
  if (exemplar === undefined) return null
  const to = { page: 'trace', traceId: exemplar.traceId, spanId: exemplar.spanId } as const
  // One call beside ten thousand is seen too.
  const tall = (part: number, of: number) => (of === 0 ? 0 : Math.max(2, part * PLOT_HEIGHT))
  const [height, failed] = [tall(bar.height, count), tall(bar.errorHeight, errorCount)]
  const range = `${formatDuration(fromMs * 1_000)} to ${formatDuration(toMs * 1_000)}`
  const title = `${plural(count, 'call')} of ${range}${errorCount > 0 ? `, ${errorCount} failed` : ''}. Open ${exemplar.isError ? 'one that failed' : 'the newest'}, of ${formatDuration(exemplar.durationMs * 1_000)}`
  return (
    <a class="bar-link" href={routeUrl(to)} aria-label={title} onClick={(event) => follow(event, to)}>
      <title>{title}</title>
      <rect class="reach" x={x} y={PLOT_TOP} width={width + GAP} height={PLOT_HEIGHT} />
      <rect class="calls" x={x} y={HEIGHT - height} width={width} height={height} />
      {failed > 0 && <rect class="failed" x={x} y={HEIGHT - failed} width={width} height={failed} />}
    </a>
  )
}
