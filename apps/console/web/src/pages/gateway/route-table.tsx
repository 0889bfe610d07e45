import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { TableHead } from '../../components/table-head.tsx'
import { follow } from '../../state/location.ts'
import { useRowKeys } from '../../state/row-keys.ts'
import { plural } from '../../view-model/format.ts'
import { routeUrl } from '../registry.ts'
import type { RouteName } from './route.ts'
import type { RouteRow } from './route-rows.ts'
import { ShareBar } from './share-bar.tsx'

/** The routes of a gateway that move. Each row leads to all that is known of it. */
export function RouteTable({
  gateway,
  rows,
  open,
}: {
  gateway: string
  rows: readonly RouteRow[]
  open: RouteName | undefined
}): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  useRowKeys(body)
  return (
    <table class="grid linked-rows route-grid">
      <caption class="hidden">Routes that move</caption>
      <TableHead
        columns={[
          'Route',
          'From, to',
          'Moved',
          { number: 'Old side' },
          { number: 'Failed' },
          { number: 'New side' },
          { number: 'Failed ' },
          'Differences',
          'Error budget',
          'Data',
        ]}
      />
      <tbody ref={body}>
        {rows.map((row) => (
          <Row key={row.route.id} gateway={gateway} row={row} isChosen={open?.gateway === gateway && open.route === row.route.id} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ gateway, row, isChosen }: { gateway: string; row: RouteRow; isChosen: boolean }): JSX.Element {
  const { route, match, requests, failed, differences, budget, data } = row
  const to = { page: 'gateway', open: { gateway, route: route.id } } as const
  return (
    <tr
      class={isChosen ? 'chosen' : ''}
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest('a') !== null)) follow(event, to)
      }}
    >
      <th scope="row">
        <a class="row-link route-link" href={routeUrl(to)} aria-label={`Route ${route.id}`} onClick={(event) => follow(event, to)}>
          <span class="truncate strong" title={route.id}>
            {route.id}
          </span>
          <span class="truncate muted" title={match}>
            {match}
          </span>
        </a>
      </th>
      <td>
        <span class="truncate" title={`${route.from} → ${route.to}`}>
          {route.from} → {route.to}
        </span>
      </td>
      <td>
        <ShareBar percent={route.sharePercent} />
        {route.tenants.length > 0 && <span class="tenants muted">{plural(route.tenants.length, 'tenant')} apart</span>}
      </td>
      <td class="number">{requests.from.toLocaleString('en')}</td>
      <td class="number">{failed.from}</td>
      <td class="number">{requests.to.toLocaleString('en')}</td>
      <td class="number">{failed.to}</td>
      {[differences, budget, data].map((condition, index) => (
        <td key={index}>
          <ConditionBadge condition={condition} />
        </td>
      ))}
    </tr>
  )
}
