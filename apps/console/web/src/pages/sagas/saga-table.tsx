import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { ListedSaga } from '../../../../src/system/sagas.ts'
import { follow } from '../../state/location.ts'
import { useRowKeys } from '../../state/row-keys.ts'
import { formatAge, formatDate, formatDuration, formatTime } from '../../view-model/format.ts'
import { routeUrl } from '../registry.ts'
import { SAGA_CONDITIONS } from '../../view-model/saga.ts'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'

/** Sagas, one in a row, the newest first; a row opens its saga. */
export function SagaTable({ sagas }: { sagas: readonly ListedSaga[] }): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  useRowKeys(body)
  return (
    <table class="grid linked-rows saga-grid">
      <caption class="hidden">Sagas, the newest first</caption>
      <TableHead
        columns={['Saga', 'Service', 'State', 'Reason', { number: 'Started' }, { number: 'Took', title: 'Until its status changed last' }]}
      />
      <tbody ref={body}>
        {sagas.map((saga) => (
          <Row key={`${saga.service} ${saga.id}`} saga={saga} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ saga }: { saga: ListedSaga }): JSX.Element {
  const { service, id, state, reason, startedAtMs, updatedAtMs, wakeAtMs } = saga
  const to = { page: 'saga', service, id } as const
  const isSettled = state === 'completed' || state === 'compensated' || state === 'parked'
  return (
    <tr
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest('a') !== null)) follow(event, to)
      }}
    >
      <td>
        <a
          class="row-link saga-link"
          href={routeUrl(to)}
          title={`${id}, version ${saga.version} of ${saga.saga}`}
          onClick={(event) => follow(event, to)}
        >
          <span class="truncate">{id}</span>
          <span class="truncate muted">
            <span class="of-service">{service} · </span>
            {saga.saga} {saga.version}
          </span>
        </a>
      </td>
      <td>
        <ServiceName name={service} />
      </td>
      <td>
        <ConditionBadge condition={SAGA_CONDITIONS[state]} />
      </td>
      <td>
        <span class="truncate" title={reason}>
          {reason ?? (wakeAtMs === undefined ? '' : <span class="muted">due {whenText(wakeAtMs)}</span>)}
        </span>
      </td>
      <td class="number" title={`${formatDate(startedAtMs)} ${formatTime(startedAtMs)}`}>
        {formatAge(Date.now() - startedAtMs)} ago
      </td>
      <td class="number">{isSettled ? formatDuration((updatedAtMs - startedAtMs) * 1_000) : <span class="muted">–</span>}</td>
    </tr>
  )
}

function whenText(ms: number): string {
  const leftMs = ms - Date.now()
  return leftMs <= 0 ? 'now' : `in ${formatAge(leftMs)}`
}
