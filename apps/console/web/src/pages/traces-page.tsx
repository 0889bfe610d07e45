import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ListedTrace } from '../../../src/http/answers.ts'
import { EmptyState } from '../components/empty-state.tsx'
import { OutcomeBadges } from '../components/outcome.tsx'
import { ServiceName } from '../components/service-name.tsx'
import { TraceFilterBar } from '../components/trace-filter-bar.tsx'
import { follow, navigate } from '../state/location.ts'
import { useRowKeys } from '../state/row-keys.ts'
import { colourClass, system } from '../state/system.ts'
import { type TraceList, useTraceList } from '../state/trace-list.ts'
import { lastTraceId } from '../state/trace-view.ts'
import { formatClock, formatDate, formatDuration, formatTime, plural, shortId } from '../view-model/format.ts'
import { barOf, fullScale } from '../view-model/bar-scale.ts'
import { NO_FILTER, type TraceFilter } from '../view-model/route.ts'

/** Squares in a row's list of services; the number behind them says how many there are. */
const SWATCHES_MAX = 9

/** The newest traces that match. */
export function TracesPage({ filter }: { filter: TraceFilter }): JSX.Element {
  const list = useTraceList(filter)
  useEffect(() => {
    document.title = 'Traces · Seaworthy console'
  }, [])
  return (
    <>
      <h1 class="hidden">Traces</h1>
      <TraceFilterBar filter={filter} list={list} />
      <List list={list} filter={filter} />
    </>
  )
}

function List({ list, filter }: { list: TraceList; filter: TraceFilter }): JSX.Element {
  const state = list.state.value
  switch (state.kind) {
    case 'loading':
      return <p class="loading">Asking for traces…</p>
    case 'failed':
      return (
        <EmptyState title="The traces could not be read">
          <p>{state.why}</p>
          <button type="button" class="button" onClick={() => void list.refresh()}>
            Try again
          </button>
        </EmptyState>
      )
    case 'loaded':
      return state.traces.length === 0 ? (
        <Nothing filter={filter} />
      ) : (
        <>
          <TraceTable traces={state.traces} />
          <p class="list-foot">
            <span>
              {plural(state.traces.length, 'trace')}
              {state.hasOlderPages ? '; new ones are not added while older ones are shown' : ''}
            </span>
            {state.nextBefore !== undefined && (
              <button type="button" class="button" onClick={() => void list.loadOlder()}>
                Load older
              </button>
            )}
            {state.hasOlderPages && (
              <button type="button" class="button" onClick={() => void list.refresh()}>
                Back to the newest
              </button>
            )}
          </p>
        </>
      )
  }
}

function Nothing({ filter }: { filter: TraceFilter }): JSX.Element {
  const show = (part: Partial<TraceFilter>): void => navigate({ page: 'traces', filter: { ...filter, ...part } }, { replace: true })
  const background = !filter.showsBackground && (
    <button type="button" class="button" onClick={() => show({ showsBackground: true })}>
      Show background work too
    </button>
  )
  const isFiltered = filter.text !== '' || filter.service !== '' || filter.outcome !== '' || filter.minDurationMs > 0
  if (isFiltered) {
    return (
      <EmptyState title="No trace matches">
        <p>Traces that were just made take half a second to arrive. Otherwise ask for less:</p>
        <p class="actions">
          <button type="button" class="button" onClick={() => show({ ...NO_FILTER, showsBackground: filter.showsBackground })}>
            Clear the search
          </button>
          {background}
        </p>
      </EmptyState>
    )
  }
  const gateway = system.value?.services.find(({ role }) => role === 'gateway')?.instances.find(({ httpUrl }) => httpUrl !== null)
  return (
    <EmptyState title="Nothing has been asked for yet">
      {gateway === undefined ? (
        <p>
          Start the shop with <code>npm start</code> and make a request through its gateway. It appears here as it happens.
        </p>
      ) : (
        <>
          <p>Make a request through the gateway. It appears here as it happens:</p>
          <pre>curl '{gateway.httpUrl}/api/products'</pre>
        </>
      )}
      <p>
        A service of your own sends OTLP to <code>{window.location.origin}/v1/traces</code>.
      </p>
      <p class="actions">{background}</p>
    </EmptyState>
  )
}

function TraceTable({ traces }: { traces: readonly ListedTrace[] }): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  const fullMs = fullScale(traces.map(({ durationMs }) => durationMs))
  useRowKeys(body, () => lastTraceId.value && `/traces/${lastTraceId.value}`)
  return (
    <div class="table-frame">
      <table class="grid trace-grid">
        <caption class="hidden">Traces, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">Started</th>
            <th scope="col">Request</th>
            <th scope="col">Duration</th>
            <th scope="col" class="number">
              Spans
            </th>
            <th scope="col">Outcome</th>
            <th scope="col">Services</th>
            <th scope="col">Correlation id</th>
          </tr>
        </thead>
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
