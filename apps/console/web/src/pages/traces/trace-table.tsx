import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { ListedTrace } from '../../../../src/http/answers.ts'
import { follow } from '../../state/location.ts'
import { useRowKeys } from '../../state/row-keys.ts'
import { colourClass } from '../../state/system.ts'
import { lastTraceId } from '../../state/last-trace.ts'
import { barOf, fullScale } from './bar-scale.ts'
import { formatClock, formatDate, formatDuration, formatTime, shortId } from '../../view-model/format.ts'
import { OutcomeBadges } from '../../components/outcome.tsx'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'

/** Squares in a row's list of services; the number behind them says how many there are. */
const SWATCHES_MAX = 9

/** Traces, one in a row. */
export function TraceTable({ traces }: { traces: readonly ListedTrace[] }): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  const fullMs = fullScale(traces.map(({ durationMs }) => durationMs))
  useRowKeys(body, () => lastTraceId.value && `/traces/${lastTraceId.value}`)
  return (
    <div class="table-frame">
      <table class="grid linked-rows trace-grid">
        <caption class="hidden">Traces, the newest first</caption>
        <TableHead columns={['Started', 'Request', 'Duration', { number: 'Spans' }, 'Outcome', 'Services', 'Correlation id']} />
        <tbody ref={body}>
          {traces.map((trace) => (
            <TraceRow key={trace.traceId} trace={trace} fullMs={fullMs} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function TraceRow({ trace, fullMs }: { trace: ListedTrace; fullMs: number }): JSX.Element {
  const startMs = Date.parse(trace.startTime)
  const to = { page: 'trace', traceId: trace.traceId, spanId: undefined } as const
  const started = `${formatDate(startMs)} ${formatTime(startMs)}`
  return (
    <tr
      class={trace.outcome}
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest('a') !== null)) follow(event, to)
      }}
    >
      <td class="time" title={started}>
        {formatTime(startMs)}
      </td>
      <td>
        <a class="trace-link row-link" href={`/traces/${trace.traceId}`} onClick={(event) => follow(event, to)}>
          <span class="origin">
            <ServiceName name={trace.root.service} />
            <span class="when" title={started}>
              {formatClock(startMs)}
            </span>
            <span class="took">{formatDuration(trace.durationMs * 1_000)}</span>
          </span>
          <span class="truncate name" title={trace.root.name}>
            {trace.root.name}
          </span>
        </a>
      </td>
      <td>
        <DurationBar durationMs={trace.durationMs} fullMs={fullMs} />
      </td>
      <td class="number">{trace.spanCount.toLocaleString('en')}</td>
      <td>
        <OutcomeBadges {...trace} httpStatus={trace.httpStatus ?? undefined} />
      </td>
      <td>
        <span class="service-stack" title={trace.services.join(', ')}>
          {trace.services.slice(0, SWATCHES_MAX).map((name) => (
            <span key={name} class={`swatch ${colourClass(name)}`} aria-hidden="true" />
          ))}
          <span class="count">{trace.services.length}</span>
          <span class="hidden">{trace.services.join(', ')}</span>
        </span>
      </td>
      <td>
        <span class="truncate id" title={trace.correlationId ?? 'none'}>
          {trace.correlationId === null ? '–' : shortId(trace.correlationId)}
        </span>
      </td>
    </tr>
  )
}

function DurationBar({ durationMs, fullMs }: { durationMs: number; fullMs: number }): JSX.Element {
  const { width, isCut } = barOf(durationMs, fullMs)
  const title = isCut
    ? `Longer than the scale, which ends at ${formatDuration(fullMs * 1_000)}: 19 of 20 traces here end within it`
    : undefined
  return (
    <span class="duration" title={title}>
      <span class="duration-text">{formatDuration(durationMs * 1_000)}</span>
      <span class={`duration-track ${isCut ? 'cut' : ''}`} aria-hidden="true">
        <span style={{ width: `${width * 100}%` }} />
      </span>
    </span>
  )
}
