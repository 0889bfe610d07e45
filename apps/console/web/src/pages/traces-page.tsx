import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ListedTrace } from '../../../src/http/answers.ts'
import { EmptyState } from '../components/empty-state.tsx'
import { Icon } from '../components/icon.tsx'
import { ServiceName } from '../components/service-name.tsx'
import { TraceFilterBar } from '../components/trace-filter-bar.tsx'
import { follow, navigate } from '../state/location.ts'
import { colourClass } from '../state/system.ts'
import { type TraceList, useTraceList } from '../state/trace-list.ts'
import { formatDate, formatDuration, formatTime, plural, shortId } from '../view-model/format.ts'
import { fullScale } from '../view-model/bar-scale.ts'
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
  const isFiltered = filter.text !== '' || filter.service !== '' || filter.status !== '' || filter.minDurationMs > 0
  return isFiltered ? (
    <EmptyState title="No trace matches">
      <p>Traces that were just made take half a second to arrive. Otherwise ask for less:</p>
      <button type="button" class="button" onClick={() => navigate({ page: 'traces', filter: NO_FILTER }, { replace: true })}>
        Clear the search
      </button>
    </EmptyState>
  ) : (
    <EmptyState title="No trace has arrived yet">
      <p>Make a request, and it appears here:</p>
      <pre>curl 'http://127.0.0.1:8080/api/products?q='</pre>
      <p>
        A service of your own sends OTLP to <code>{window.location.origin}/v1/traces</code>.
      </p>
    </EmptyState>
  )
}

function TraceTable({ traces }: { traces: readonly ListedTrace[] }): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  const fullMs = fullScale(traces.map(({ durationMs }) => durationMs))
  const move = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0 || body.current === null) return
    const links = [...body.current.querySelectorAll<HTMLAnchorElement>('a.trace-link')]
    const index = links.indexOf(document.activeElement as HTMLAnchorElement)
    links[Math.max(0, Math.min(links.length - 1, index + step))]?.focus()
    event.preventDefault()
  }
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
        <tbody ref={body} onKeyDown={move}>
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
  return (
    <tr
      class={trace.errorCount > 0 ? 'failed' : ''}
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest('a') !== null)) follow(event, to)
      }}
    >
      <td class="time" title={`${formatDate(startMs)} ${formatTime(startMs)}`}>
        {formatTime(startMs)}
      </td>
      <td>
        <a class="trace-link" href={`/traces/${trace.traceId}`} onClick={(event) => follow(event, to)}>
          <ServiceName name={trace.root.service} />
          <span class="truncate name" title={trace.root.name}>
            {trace.root.name}
          </span>
        </a>
      </td>
      <td>
        <span class="duration">
          <span class="duration-text">{formatDuration(trace.durationMs * 1_000)}</span>
          <span class="duration-track" aria-hidden="true">
            <span style={{ width: `${Math.min(1, trace.durationMs / fullMs) * 100}%` }} />
          </span>
        </span>
      </td>
      <td class="number">{trace.spanCount.toLocaleString('en')}</td>
      <td>
        {trace.errorCount > 0 ? (
          <span class="badge error" title={`${plural(trace.errorCount, 'span')} failed`}>
            <Icon name="alert" />
            {plural(trace.errorCount, 'error')}
          </span>
        ) : (
          <span class="muted">ok</span>
        )}
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
