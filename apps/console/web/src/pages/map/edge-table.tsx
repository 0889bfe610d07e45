import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { follow } from '../../state/location.ts'
import { useRowKeys } from '../../state/row-keys.ts'
import { formatDuration } from '../../view-model/format.ts'
import { placeKind } from '../../view-model/place.ts'
import type { MapView } from './route.ts'
import { routeUrl } from '../registry.ts'
import type { EdgeView } from './service-map.ts'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'

/** The map in words: each pair that calls, the busiest first. */
export function EdgeTable({ edges, chosen, view }: { edges: readonly EdgeView[]; chosen: string | undefined; view: MapView }): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  useRowKeys(body)
  return (
    <table class="grid linked-rows edge-grid">
      <caption class="hidden">Who calls whom, the busiest first</caption>
      <TableHead
        columns={[
          'Caller',
          'Callee',
          { number: 'Rate' },
          { number: 'Calls' },
          { number: 'Failed' },
          { number: 'p50' },
          { number: 'p95' },
          { number: 'p99' },
          'Circuit breaker',
        ]}
      />
      <tbody ref={body}>
        {edges.map((edge) => (
          <Row key={edge.id} edge={edge} isChosen={edge.id === chosen} view={view} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ edge, isChosen, view }: { edge: EdgeView; isChosen: boolean; view: MapView }): JSX.Element {
  const { caller, callee, callerName, calleeName, rate, count, errorCount, errors, breaker, tone } = edge
  const to = { page: 'map', view: { ...view, edge: { caller, callee } } } as const
  const name = (place: EdgeView['caller'], text: string) =>
    placeKind(place) === 'service' ? <ServiceName name={text} /> : <span class="truncate muted">{text}</span>
  return (
    <tr
      class={isChosen ? 'chosen' : ''}
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest('a') !== null)) follow(event, to)
      }}
    >
      <td>{name(caller, callerName)}</td>
      <td>
        <a class="row-link" href={routeUrl(to)} aria-label={`${callerName} to ${calleeName}`} onClick={(event) => follow(event, to)}>
          {name(callee, calleeName)}
        </a>
      </td>
      <td class="number">{rate}</td>
      <td class="number">{count.toLocaleString('en')}</td>
      <td class={`number ${errorCount === 0 ? '' : tone === 'error' ? 'error-text' : 'warn-text'}`} title={errors}>
        {errorCount.toLocaleString('en')}
      </td>
      {[edge.p50Ms, edge.p95Ms, edge.p99Ms].map((ms, index) => (
        <td key={index} class="number">
          {formatDuration(ms * 1_000)}
        </td>
      ))}
      <td>{breaker === undefined ? '–' : <ConditionBadge condition={breaker} />}</td>
    </tr>
  )
}
