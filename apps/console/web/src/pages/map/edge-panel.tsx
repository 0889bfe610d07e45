import type { JSX } from 'preact'
import type { Place } from '../../../../src/map/call-matcher.ts'
import { follow } from '../../state/location.ts'
import { type EdgeDetails, useEdge } from './state.ts'
import { formatDuration, formatRate, formatShare, formatTime, plural } from '../../view-model/format.ts'
import { placeName } from '../../view-model/place.ts'
import { type CallName, NO_FILTER } from '../traces/route.ts'
import { routeUrl } from '../registry.ts'
import { histogramBars } from './service-map.ts'
import { Icon } from '../../components/icon.tsx'
import { LatencyHistogram } from './latency-histogram.tsx'
import { OutcomeBadges } from '../../components/outcome.tsx'

/** How the calls of one pair fare, and which traces they are in. */
export function EdgePanel({ edge, minutes, onClose }: { edge: CallName; minutes: number; onClose: () => void }): JSX.Element {
  const state = useEdge(edge, minutes).state.value
  const [caller, callee] = [placeName(edge.caller as Place), placeName(edge.callee as Place)]
  return (
    <aside class="details edge-details" aria-label={`Calls from ${caller} to ${callee}`}>
      <div class="details-head">
        <h2 class="truncate" title={`${caller} → ${callee}`}>
          {caller} → {callee}
        </h2>
        <button type="button" class="icon-button" aria-label="Close the details" title="Close (Esc)" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {state.kind === 'loading' && <p class="loading">Asking for its calls…</p>}
      {state.kind === 'failed' && <p class="failure">{state.why}</p>}
      {state.kind === 'loaded' && <Calls details={state} call={edge} />}
    </aside>
  )
}

function Calls({ details, call }: { details: EdgeDetails; call: CallName }): JSX.Element {
  const { edge, histogram, minutes, traces } = details
  const all = { page: 'traces', filter: { ...NO_FILTER, showsBackground: true, call } } as const
  return (
    <>
      {edge === null ? (
        <p class="muted">No call in the last {minutes} minutes.</p>
      ) : (
        <>
          <p class="facts">
            <span>{formatRate(edge.ratePerSecond)}</span>
            <span>{plural(edge.count, 'call')}</span>
            <span class={edge.errorCount > 0 ? 'error-text' : ''}>{formatShare(edge.errorCount, edge.count)} failed</span>
          </p>
          <section>
            <h3>Latency</h3>
            <LatencyHistogram bars={histogramBars(histogram)} percentiles={[edge.p50Ms, edge.p95Ms, edge.p99Ms]} />
          </section>
        </>
      )}
      <section>
        <h3>Newest traces</h3>
        {traces.length === 0 ? (
          <p class="muted">None is kept any more.</p>
        ) : (
          <ul class="edge-traces">
            {traces.map((trace) => {
              const to = { page: 'trace', traceId: trace.traceId, spanId: undefined } as const
              return (
                <li key={trace.traceId}>
                  <a href={routeUrl(to)} onClick={(event) => follow(event, to)}>
                    <span class="time">{formatTime(Date.parse(trace.startTime))}</span>
                    <span class="truncate" title={trace.root.name}>
                      {trace.root.name}
                    </span>
                    <span class="number">{formatDuration(trace.durationMs * 1_000)}</span>
                  </a>
                  <OutcomeBadges {...trace} httpStatus={trace.httpStatus ?? undefined} />
                </li>
              )
            })}
          </ul>
        )}
        <p class="actions">
          <a class="button" href={routeUrl(all)} onClick={(event) => follow(event, all)}>
            All traces of these calls
          </a>
        </p>
      </section>
    </>
  )
}
