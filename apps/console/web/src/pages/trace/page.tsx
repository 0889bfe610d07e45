import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { EmptyState } from '../../components/empty-state.tsx'
import { Icon } from '../../components/icon.tsx'
import { OutcomeBadges } from '../../components/outcome.tsx'
import { ServiceName } from '../../components/service-name.tsx'
import { SpanDetails } from './span-details.tsx'
import { VerdictPanel } from './verdict-panel.tsx'
import { Waterfall } from './waterfall.tsx'
import { follow, navigate } from '../../state/location.ts'
import { TraceView } from '../../state/trace-view.ts'
import { formatDate, formatDuration, formatTime, plural } from '../../view-model/format.ts'
import type { TraceFacts } from '../../view-model/trace-facts.ts'
import { NO_FILTER } from '../traces/route.ts'
import { routeUrl } from '../registry.ts'

/** One trace. A span in the address is shown with its details. */
export function TracePage({ traceId, spanId }: { traceId: string; spanId: string | undefined }): JSX.Element {
  const view = useMemo(() => new TraceView(traceId), [traceId])
  useEffect(() => view.start(), [view])
  const { nodes } = view
  const isThere = spanId !== undefined && nodes.value.has(spanId)
  useEffect(() => {
    view.openId.value = spanId
    if (spanId !== undefined && isThere) view.reveal(spanId)
  }, [view, spanId, isThere])
  const title = view.facts.value?.title
  useEffect(() => {
    document.title = `${title ?? 'Trace'} · Seaworthy console`
  }, [title])

  const state = view.state.value
  switch (state.kind) {
    case 'loading':
      return <p class="loading">Asking for the trace…</p>
    case 'missing':
      return (
        <EmptyState title="There is no such trace">
          <p>{state.why} This page shows it as soon as it arrives.</p>
          <BackLink />
        </EmptyState>
      )
    case 'failed':
      return (
        <EmptyState title="The trace could not be read">
          <p>{state.why}</p>
          <button type="button" class="button" onClick={() => void view.refresh()}>
            Try again
          </button>
        </EmptyState>
      )
    case 'loaded':
      return <Loaded view={view} startMs={state.trace.startMs} />
  }
}

function Loaded({ view, startMs }: { view: TraceView; startMs: number }): JSX.Element {
  const open = view.openId.value === undefined ? undefined : view.nodes.value.get(view.openId.value)
  const show = (spanId: string | undefined): void => navigate({ page: 'trace', traceId: view.traceId, spanId }, { replace: true })
  return (
    <>
      <Head view={view} startMs={startMs} onShow={show} />
      <div class={`trace-body ${open === undefined ? '' : 'with-details'}`}>
        <Waterfall view={view} onOpen={show} />
        {open !== undefined && <SpanDetails node={open} view={view} onClose={() => show(undefined)} onShow={show} />}
      </div>
    </>
  )
}

function Head({ view, startMs, onShow }: { view: TraceView; startMs: number; onShow: (spanId: string) => void }): JSX.Element | null {
  const facts = view.facts.value
  if (facts === undefined) return null
  const durationUs = view.durationUs.value
  const { correlationId } = facts
  const isAsync = facts.answeredUs < durationUs
  return (
    <div class="page-head trace-head">
      <BackLink />
      <div class="title">
        <h1 class="truncate" title={facts.title}>
          {facts.title}
        </h1>
        <ServiceName name={facts.service} />
      </div>
      <p class="facts">
        <span
          class="strong"
          title={isAsync ? 'Until the request was answered, and until all that it set off was done' : 'From its first to its last moment'}
        >
          {isAsync ? `${formatDuration(facts.answeredUs)} to the answer, ${formatDuration(durationUs)} in all` : formatDuration(durationUs)}
        </span>
        <span>
          {plural(view.spanCount.value, 'span')}
          {!view.isWhole.value && ' so far: more are under way'}
        </span>
        <span>{plural(facts.services.length, 'service')}</span>
        <OutcomeBadges {...facts} isShort />
        {facts.errorCount > 0 && (
          <button type="button" class="link error-text" title="To the next one (e)" onClick={() => goToError(view)}>
            {plural(facts.errorCount, 'error')}
          </button>
        )}
        <span title={`${formatDate(startMs)} ${formatTime(startMs)}`}>{formatTime(startMs)}</span>
        <a
          href={`/api/traces/${view.traceId}`}
          download={`trace-${view.traceId}.json`}
          title="The whole trace as a file, in OTLP’s JSON: another console imports it"
        >
          Export
        </a>
        <a
          href={routeUrl({ page: 'slow', operation: { service: facts.service, name: facts.title } })}
          title="Its slow traces against the usual ones"
          onClick={(event) => follow(event, { page: 'slow', operation: { service: facts.service, name: facts.title } })}
        >
          Compare
        </a>
        {correlationId !== undefined && (
          <a
            class="id truncate"
            title={`Correlation id ${correlationId}: all its traces`}
            href={`/traces?q=${encodeURIComponent(correlationId)}`}
            onClick={(event) => follow(event, { page: 'traces', filter: { ...NO_FILTER, text: correlationId } })}
          >
            {correlationId}
          </a>
        )}
      </p>
      <VerdictPanel view={view} onShow={onShow} />
      <PathFacts view={view} />
      <ul class="legend" aria-label="Services of this trace">
        {facts.services.map(({ name, spans, errors }) => (
          <li key={name} title={`${plural(spans, 'span')}${errors > 0 ? `, ${plural(errors, 'error')}` : ''}`}>
            <ServiceName name={name} />
            <span class="count">{spans}</span>
            {errors > 0 && <Icon name="alert" title={plural(errors, 'error')} />}
          </li>
        ))}
        <Signs {...facts} />
      </ul>
    </div>
  )
}

/** So many services are named. */
const PATH_SERVICES_MAX = 4

/** Which services the answer waited for, and how much. */
function PathFacts({ view }: { view: TraceView }): JSX.Element | null {
  const path = view.path.value
  if (path === undefined || path.spans.length < 2) return null
  const named = path.services.slice(0, PATH_SERVICES_MAX)
  const others = path.services.slice(PATH_SERVICES_MAX)
  const percent = (ratio: number) => `${Math.round(ratio * 100)} %`
  return (
    <p
      class="facts path-facts"
      title="What decided how long the answer took: whatever is not on this path could have been quicker without anybody noticing (p: through its spans)"
    >
      <span class="sign-path" aria-hidden="true" />
      <span>Critical path:</span>
      {named.map(({ name, us, ratio }) => (
        <span key={name} title={`${name}: ${formatDuration(us)}`}>
          <span class="truncate">{name}</span> {percent(ratio)}
        </span>
      ))}
      {others.length > 0 && <span>others {percent(others.reduce((sum, { ratio }) => sum + ratio, 0))}</span>}
    </p>
  )
}

/** What the two signs mean that are no bar of a service, where the trace has them. */
function Signs({ hasWaits, hasMessages }: Pick<TraceFacts, 'hasWaits' | 'hasMessages'>): JSX.Element {
  return (
    <>
      {hasWaits && (
        <li class="sign" title="In the outbox, or for the database’s turn">
          <span class="sign-wait" aria-hidden="true" />
          waiting
        </li>
      )}
      {hasMessages && (
        <li class="sign" title="From the moment when a message was sent until somebody began to handle it">
          <span class="sign-way" aria-hidden="true" />
          message on its way
        </li>
      )}
    </>
  )
}

function goToError(view: TraceView): void {
  const spanId = view.nextError()
  if (spanId !== undefined) navigate({ page: 'trace', traceId: view.traceId, spanId }, { replace: true })
}

function BackLink(): JSX.Element {
  return (
    <a class="back" href="/traces" onClick={(event) => follow(event, { page: 'traces', filter: NO_FILTER })}>
      <Icon name="back" />
      Traces
    </a>
  )
}
