import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { SystemState } from '../../../src/http/answers.ts'
import type { InstanceView, ServiceView } from '../../../src/system/overview.ts'
import { EmptyState } from '../components/empty-state.tsx'
import { ServiceName } from '../components/service-name.tsx'
import { StateBadge, stateTone } from '../components/state-badge.tsx'
import { follow } from '../state/location.ts'
import { system, systemError } from '../state/system.ts'
import { formatAge, formatDate, formatDuration, formatRate, formatShare, formatTime, plural } from '../view-model/format.ts'
import { NO_FILTER } from '../view-model/route.ts'

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
      <div class="table-frame">
        <table class="grid system-grid">
          <caption class="hidden">Services and their instances</caption>
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col">Instance</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Up for
              </th>
              <th scope="col" class="number">
                Restarts
              </th>
              <th scope="col">Last exit</th>
              <th scope="col" class="number" title="Requests and messages handled, last five minutes">
                Rate
              </th>
              <th scope="col" class="number" title="Share of them that failed">
                Errors
              </th>
              <th scope="col" class="number" title="Half of them took no longer">
                p50
              </th>
              <th scope="col" class="number" title="99 of 100 took no longer">
                p99
              </th>
            </tr>
          </thead>
          {state.services.map((service) => (
            <ServiceRows key={service.name} service={service} />
          ))}
        </table>
      </div>
      <Storage state={state} />
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

function ServiceRows({ service }: { service: ServiceView }): JSX.Element {
  const [first, ...others] = service.instances
  const { spans } = service
  const traces = { page: 'traces', filter: { ...NO_FILTER, service: service.name } } as const
  return (
    <tbody class={service.instances.some(({ state }) => stateTone(state) === 'error') ? 'attention' : ''}>
      <tr>
        <th scope="row" rowSpan={Math.max(1, service.instances.length)}>
          <a
            class="service-link"
            href={`/traces?service=${encodeURIComponent(service.name)}`}
            title={`Traces of ${service.name}`}
            onClick={(event) => follow(event, traces)}
          >
            <ServiceName name={service.name} />
          </a>
          <span class="purpose truncate" title={service.purpose}>
            {service.context !== '' && <span class="context">{service.context}</span>}
            {service.purpose === '' && service.instances.length === 0
              ? 'not started by this supervisor; known by its traces'
              : service.purpose}
          </span>
        </th>
        <InstanceCells instance={first} />
        <td class="number">{formatRate(spans.ratePerSecond)}</td>
        <td
          class={`number ${spans.errorCount > 0 ? 'error-text' : ''}`}
          title={`${plural(spans.errorCount, 'error')} of ${spans.count.toLocaleString('en')}`}
        >
          {spans.count === 0 ? '–' : formatShare(spans.errorCount, spans.count)}
        </td>
        <td class="number">{spans.p50Ms === null ? '–' : formatDuration(spans.p50Ms * 1_000)}</td>
        <td class="number">{spans.p99Ms === null ? '–' : formatDuration(spans.p99Ms * 1_000)}</td>
      </tr>
      {others.map((instance) => (
        <tr key={instance.instance}>
          <InstanceCells instance={instance} />
          <td colSpan={4} />
        </tr>
      ))}
    </tbody>
  )
}

function InstanceCells({ instance }: { instance: InstanceView | undefined }): JSX.Element {
  if (instance === undefined) return <td colSpan={5} />
  const startedMs = instance.startedAt === null ? undefined : Date.parse(instance.startedAt)
  return (
    <>
      <td>
        <span class="truncate" title={instance.pid === null ? instance.instance : `${instance.instance}, process ${instance.pid}`}>
          {instance.instance}
        </span>
      </td>
      <td>
        <StateBadge state={instance.state} />
      </td>
      <td class="number" title={startedMs === undefined ? undefined : `since ${formatDate(startedMs)} ${formatTime(startedMs)}`}>
        {startedMs === undefined || instance.pid === null ? '–' : formatAge(Date.now() - startedMs)}
      </td>
      <td class={`number ${instance.restarts > 0 ? 'warn-text' : ''}`}>{instance.restarts}</td>
      <td>
        <span class="truncate muted" title={instance.lastExit ?? 'it never ended'}>
          {instance.lastExit ?? '–'}
        </span>
      </td>
    </>
  )
}

function Storage({ state: { ingest } }: { state: SystemState }): JSX.Element {
  return (
    <p class="storage">
      <span>
        {plural(ingest.traces, 'trace')} with {plural(ingest.spans, 'span')} stored
      </span>
      <span>{plural(ingest.received, 'span')} received since the console started</span>
      <span class={ingest.dropped > 0 ? 'error-text' : ''}>{ingest.dropped.toLocaleString('en')} dropped</span>
      <span class={ingest.refused > 0 ? 'warn-text' : ''} title="Their senders try again">
        {ingest.refused.toLocaleString('en')} turned away
      </span>
    </p>
  )
}
