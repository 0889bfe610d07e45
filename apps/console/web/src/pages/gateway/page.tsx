import './style.css'
import type { GatewayOverview } from '@seaworthy/supervisor/gateway-admin'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { ShownGateway } from '../../../../src/system/gateways.ts'
import { EmptyState } from '../../components/empty-state.tsx'
import { OrderResult } from '../../components/order-result.tsx'
import { navigate } from '../../state/location.ts'
import { plural } from '../../view-model/format.ts'
import { DecisionTable } from './decision-table.tsx'
import type { RouteName } from './route.ts'
import { RouteDetails } from './route-details.tsx'
import { type RouteRow, matchText, routeRows } from './route-rows.ts'
import { RouteTable } from './route-table.tsx'
import { type GatewayStore, useGateways } from './state.ts'
import { TrafficChart } from './traffic-chart.tsx'
import { trafficPicture } from './traffic-picture.ts'

/** How far a monolith has been taken apart, and by whom; what its routes are like on both sides, and how their shares are moved. */
export function GatewayPage({ open }: { open: RouteName | undefined }): JSX.Element {
  const store = useGateways()
  useEffect(() => {
    document.title = 'Gateway · Seaworthy console'
  }, [])
  const state = store.state.value
  switch (state.kind) {
    case 'loading':
      return <p class="loading">Asking the gateways…</p>
    case 'failed':
      return (
        <EmptyState title="The gateways could not be asked for">
          <p>{state.why} This page asks again every two seconds.</p>
        </EmptyState>
      )
    case 'loaded':
      return state.gateways.length === 0 ? <Nobody /> : <Loaded gateways={state.gateways} store={store} open={open} />
  }
}

function Nobody(): JSX.Element {
  return (
    <EmptyState title="No gateway is known here">
      <p>
        A gateway that takes a monolith apart is started by <code>seaworthy gateway --config gateway.json</code>. Name its file to the
        console by <code>SEAWORTHY_CONSOLE_GATEWAYS=shop=gateway.json</code>; one that a supervisor started is found by itself.
      </p>
    </EmptyState>
  )
}

function Loaded({
  gateways,
  store,
  open,
}: {
  gateways: readonly ShownGateway[]
  store: GatewayStore
  open: RouteName | undefined
}): JSX.Element {
  const shown = gateways.map((gateway) => ({ ...gateway, rows: routeRows(gateway.overview?.routes ?? []) }))
  const of = shown.find(({ name }) => name === open?.gateway)
  const row = of?.rows.rows.find(({ route }) => route.id === open?.route)
  const show = (next: RouteName | undefined): void => navigate({ page: 'gateway', open: next }, { replace: true })
  return (
    <>
      <Summary
        gateways={shown.map(({ rows }) => rows.rows)}
        silent={gateways.filter(({ problem }) => problem !== null)}
        stale={store.stale.value}
      />
      <OrderResult state={store.changing.value} onClose={() => (store.changing.value = undefined)} />
      <div class={`messages-body gateway-body ${row === undefined ? '' : 'with-details'}`}>
        <div class="table-frame">
          {shown.map((each) => (
            <Gateway key={each.name} {...each} isNamed={gateways.length > 1} open={open} />
          ))}
        </div>
        {of !== undefined && row !== undefined && (
          <RouteDetails
            key={`${of.name} ${row.route.id}`}
            row={row}
            entries={of.overview?.entries ?? []}
            isBusy={store.changing.value?.kind === 'working'}
            onClose={() => show(undefined)}
            onChange={(change) => void store.change(of.name, change)}
          />
        )}
      </div>
    </>
  )
}

function Summary({
  gateways,
  silent,
  stale,
}: {
  gateways: readonly (readonly RouteRow[])[]
  silent: readonly ShownGateway[]
  stale: string | undefined
}): JSX.Element {
  const rows = gateways.flat()
  const moved = rows.filter(({ route }) => route.sharePercent === 100).length
  const wanting = rows.filter(({ differences, budget, data }) => [differences, budget, data].some(({ tone }) => tone === 'error')).length
  return (
    <div class="page-head">
      <h1>Gateway</h1>
      <p class="facts">
        <span>
          {moved.toLocaleString('en')} of {plural(rows.length, 'moving route')} at 100 %
        </span>
        {wanting > 0 && <span class="error-text">{plural(wanting, 'route')} to look at</span>}
        {silent.map(({ name, problem }) => (
          <span key={name} class="error-text" title={problem ?? ''}>
            {name} is silent
          </span>
        ))}
        {stale !== undefined && <span class="error-text">{stale}</span>}
      </p>
    </div>
  )
}

function Gateway(props: ShownGateway & { rows: ReturnType<typeof routeRows>; isNamed: boolean; open: RouteName | undefined }): JSX.Element {
  const { name, overview, problem, rows, isNamed, open } = props
  if (overview === null) {
    return (
      <section class="part">
        <h2>{name}</h2>
        <p class="part-note error-text wrapping">{problem}</p>
      </section>
    )
  }
  return (
    <>
      {isNamed && (
        <section class="part">
          <h2>{name}</h2>
        </section>
      )}
      <Monolith overview={overview} />
      {rows.rows.length === 0 ? (
        <p class="part-note">No route moves. Give one a “to” in the gateway’s file, and it begins at 0 %.</p>
      ) : (
        <RouteTable gateway={name} rows={rows.rows} open={open} />
      )}
      {rows.still.length > 0 && (
        <details class="still">
          <summary>{plural(rows.still.length, 'route')} that do not move</summary>
          <ul>
            {rows.still.map(({ id, match, from }) => (
              <li key={id}>
                <span class="truncate" title={matchText(match)}>
                  {matchText(match)}
                </span>
                <span class="muted">{from}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
      <section class="part">
        <h2>Decisions</h2>
        {overview.entries.length === 0 ? (
          <p class="part-note">
            None yet: every share is what the file says. A shift from here, or from the command line, stands here with who made it and why.
          </p>
        ) : (
          <DecisionTable entries={overview.entries} name="Who moved what, and why" />
        )}
      </section>
    </>
  )
}

/** How it shrinks. */
function Monolith({ overview }: { overview: GatewayOverview }): JSX.Element {
  const picture = trafficPicture(overview)
  if (picture === undefined) return <p class="part-note">No request yet. Who answers them is drawn here, over time.</p>
  return (
    <section class="part monolith">
      <h2>
        {picture.monolith === undefined
          ? 'Who answers the requests'
          : `The monolith answers ${picture.monolith.last} of the requests; ${picture.monolith.first} when the ledger began`}
      </h2>
      <TrafficChart picture={picture} />
    </section>
  )
}
