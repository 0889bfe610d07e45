import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { InstanceView, ServiceView } from '../../../../src/system/overview.ts'
import { follow } from '../../state/location.ts'
import { isNarrow } from '../../state/narrow.ts'
import { useRowKeys } from '../../state/row-keys.ts'
import { formatAge, formatDate, formatDuration, formatRate, formatShare, formatTime, plural } from '../../view-model/format.ts'
import { NO_FILTER } from '../traces/route.ts'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'
import { StateBadge, stateTone } from './state-badge.tsx'

const COLUMNS = 9
/** Service, state and errors: tables.css hides the others, and a cell over them would bring them back. */
const COLUMNS_NARROW = 3

/** Services with their instances and figures. */
export function ServiceTable({ services }: { services: readonly ServiceView[] }): JSX.Element {
  const table = useRef<HTMLTableElement>(null)
  useRowKeys(table)
  return (
    <div class="table-frame">
      <table ref={table} class="grid system-grid">
        <caption class="hidden">Services and their instances</caption>
        <TableHead
          columns={[
            'Service',
            'State',
            { number: 'Rate', title: 'Requests and messages handled, last five minutes' },
            { number: 'Errors', title: 'Share of them that failed by the service’s own fault: 5xx, or an unknown end' },
            { number: 'p50', title: 'Half of them took no longer' },
            { number: 'p99', title: '99 of 100 took no longer' },
            { number: 'Up for' },
            { number: 'Restarts' },
            'Last exit',
          ]}
        />
        {services.map((service) => (
          <ServiceRows key={service.name} service={service} />
        ))}
      </table>
    </div>
  )
}

function ServiceRows({ service }: { service: ServiceView }): JSX.Element {
  const [first, ...others] = service.instances
  const figures = figureTexts(service)
  const traces = { page: 'traces', filter: { ...NO_FILTER, service: service.name } } as const
  return (
    <tbody class={service.instances.some(({ state }) => stateTone(state) === 'error') ? 'attention' : ''}>
      <tr>
        <th scope="row" rowSpan={Math.max(1, service.instances.length)}>
          <a
            class="service-link row-link"
            href={`/traces?service=${encodeURIComponent(service.name)}`}
            title={`Traces of ${service.name}`}
            onClick={(event) => follow(event, traces)}
          >
            <ServiceName name={service.name} />
          </a>
        </th>
        <StateCell instance={first} isNamed={others.length > 0} />
        <td class="number">{figures.rate}</td>
        <td class={`number ${service.spans.errorCount > 0 ? 'error-text' : ''}`} title={figures.errorsTitle}>
          {figures.errors}
        </td>
        <td class="number">{figures.p50}</td>
        <td class="number">{figures.p99}</td>
        <HistoryCells instance={first} />
      </tr>
      {others.map((instance) => (
        <tr key={instance.instance} class="other">
          <StateCell instance={instance} isNamed />
          <td colSpan={4} class="figures-of-all" />
          <HistoryCells instance={instance} />
        </tr>
      ))}
      <tr class="about">
        <td colSpan={isNarrow.value ? COLUMNS_NARROW : COLUMNS}>
          <span class="purpose">
            {service.context !== '' && <span class="context">{service.context}</span>}
            {service.purpose === '' && service.instances.length === 0
              ? 'not started by this supervisor; known by its traces'
              : service.purpose}
          </span>
          <NarrowFacts figures={figures} instance={first} />
        </td>
      </tr>
    </tbody>
  )
}

function figureTexts({ spans: { count, errorCount, ratePerSecond, p50Ms, p99Ms } }: ServiceView) {
  return {
    rate: formatRate(ratePerSecond),
    errors: count === 0 ? '–' : formatShare(errorCount, count),
    errorsTitle: `${plural(errorCount, 'error')} of ${count.toLocaleString('en')}`,
    p50: p50Ms === null ? '–' : formatDuration(p50Ms * 1_000),
    p99: p99Ms === null ? '–' : formatDuration(p99Ms * 1_000),
  }
}

/** What the columns hold that a narrow screen has no room for. */
function NarrowFacts({ figures, instance }: { figures: ReturnType<typeof figureTexts>; instance: InstanceView | undefined }): JSX.Element {
  const up = upFor(instance)
  return (
    <span class="narrow-facts">
      <span>{figures.rate}</span>
      {figures.p50 !== '–' && <span>p50 {figures.p50}</span>}
      {figures.p99 !== '–' && <span>p99 {figures.p99}</span>}
      {up !== undefined && <span>up {up}</span>}
      {instance !== undefined && instance.restarts > 0 && <span class="warn-text">{plural(instance.restarts, 'restart')}</span>}
      {instance !== undefined && instance.lastExit !== null && <span>{instance.lastExit}</span>}
    </span>
  )
}

function upFor(instance: InstanceView | undefined): string | undefined {
  if (instance === undefined || instance.startedAt === null || instance.pid === null) return undefined
  return formatAge(Date.now() - Date.parse(instance.startedAt))
}

/** An instance is named where its service has several; else its name says nothing that the service's does not. */
function StateCell({ instance, isNamed }: { instance: InstanceView | undefined; isNamed: boolean }): JSX.Element {
  if (instance === undefined) return <td />
  return (
    <td title={instance.pid === null ? instance.instance : `${instance.instance}, process ${instance.pid}`}>
      <StateBadge state={instance.state} />
      {isNamed && <span class="instance truncate muted">{instance.instance}</span>}
    </td>
  )
}

function HistoryCells({ instance }: { instance: InstanceView | undefined }): JSX.Element {
  if (instance === undefined) return <td colSpan={3} />
  const startedMs = instance.startedAt === null ? undefined : Date.parse(instance.startedAt)
  return (
    <>
      <td class="number" title={startedMs === undefined ? undefined : `since ${formatDate(startedMs)} ${formatTime(startedMs)}`}>
        {upFor(instance) ?? '–'}
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
