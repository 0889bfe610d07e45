import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { SystemState } from '../../../../src/http/answers.ts'
import { EmptyState } from '../../components/empty-state.tsx'
import { ServiceTable } from './service-table.tsx'
import { system, systemError } from '../../state/system.ts'
import { formatAge, formatDate, formatTime, plural } from '../../view-model/format.ts'

/** What runs, whether it may receive work, and how it fares. */
export function SystemPage(): JSX.Element {
  useEffect(() => {
    document.title = 'System · Seaworthy console'
  }, [])
  const state = system.value
  if (state === undefined) {
    return systemError.value === undefined ? (
      <p class="loading">Asking the console…</p>
    ) : (
      <EmptyState title="The console does not answer">
        <p>{systemError.value} This page asks again every five seconds.</p>
      </EmptyState>
    )
  }
  if (state.services.length === 0) {
    return (
      <EmptyState title="No service is known yet">
        <p>
          The console shows what a supervisor started and whatever sends it traces. Start the shop with <code>npm start</code>, or point a
          service’s OTLP exporter at <code>{window.location.origin}/v1/traces</code>.
        </p>
      </EmptyState>
    )
  }
  return (
    <>
      <Summary state={state} />
      <ServiceTable services={state.services} />
      <Storage state={state} />
      <StoredLogs logs={state.logs} />
    </>
  )
}

function Summary({ state }: { state: SystemState }): JSX.Element {
  const instances = state.services.flatMap((service) => service.instances)
  const ready = instances.filter((instance) => instance.ready).length
  const startedMs = state.startedAt === null ? undefined : Date.parse(state.startedAt)
  return (
    <div class="page-head">
      <h1>{state.system ?? 'Services'}</h1>
      <p class="facts">
        <span>{plural(state.services.length, 'service')}</span>
        {instances.length > 0 && (
          <span class={ready < instances.length ? 'warn-text' : ''}>
            {ready} of {plural(instances.length, 'instance')} ready
          </span>
        )}
        {startedMs !== undefined && (
          <span title={`${formatDate(startedMs)} ${formatTime(startedMs)}`}>up for {formatAge(Date.now() - startedMs)}</span>
        )}
      </p>
    </div>
  )
}

function Storage({ state: { ingest } }: { state: SystemState }): JSX.Element {
  const { size, age } = ingest.trimmed
  const deleted = size.traces + age.traces
  const spans = size.spans + age.spans
  return (
    <p class="storage">
      <span>
        {plural(ingest.traces, 'trace')} with {plural(ingest.spans, 'span')} stored
      </span>
      {ingest.kept > 0 && <span title="They outlive the others">{ingest.kept.toLocaleString('en')} of them slow or failed</span>}
      <span>{plural(ingest.received, 'span')} received since the console started</span>
      {deleted > 0 && (
        <span title={`${ingest.trimmed.size.traces} for want of room, ${ingest.trimmed.age.traces} by age: ${plural(spans, 'span')}`}>
          {plural(deleted, 'old trace')} deleted
        </span>
      )}
      <span class={ingest.dropped > 0 ? 'error-text' : ''}>{ingest.dropped.toLocaleString('en')} dropped</span>
      <span class={ingest.refused > 0 ? 'warn-text' : ''} title="Their senders try again">
        {ingest.refused.toLocaleString('en')} turned away
      </span>
    </p>
  )
}

function StoredLogs({ logs }: Pick<SystemState, 'logs'>): JSX.Element {
  const deleted = logs.trimmed.size + logs.trimmed.age
  return (
    <p class="storage">
      <span>{plural(logs.records, 'log record')} stored</span>
      {deleted > 0 && (
        <span title={`${logs.trimmed.size} for want of room, ${logs.trimmed.age} by age`}>{plural(deleted, 'old record')} deleted</span>
      )}
      {logs.dropped > 0 && <span class="error-text">{logs.dropped.toLocaleString('en')} dropped</span>}
      {logs.refused > 0 && (
        <span class="warn-text" title="Their senders try again">
          {logs.refused.toLocaleString('en')} turned away
        </span>
      )}
    </p>
  )
}
