import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { MapState } from '../../../../src/http/answers.ts'
import { EdgePanel } from './edge-panel.tsx'
import { EdgeTable } from './edge-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ServiceGraph } from './service-graph.tsx'
import { navigate } from '../../state/location.ts'
import { type ServiceMapStore, useServiceMap } from './state.ts'
import { plural } from '../../view-model/format.ts'
import { mapLayout } from './map-layout.ts'
import { edgeId } from '../../view-model/place.ts'
import { MAP_MINUTES, type MapView } from './route.ts'
import { type EdgeView, edgeViews, isBetweenServices } from './service-map.ts'

/** Who calls whom, how often, how fast, and with what success. */
export function MapPage({ view }: { view: MapView }): JSX.Element {
  const store = useServiceMap(view.minutes)
  useEffect(() => {
    document.title = 'Map · Seaworthy console'
  }, [])
  const state = store.state.value
  switch (state.kind) {
    case 'loading':
      return <p class="loading">Asking who calls whom…</p>
    case 'failed':
      return (
        <EmptyState title="The map could not be read">
          <p>{state.why} This page asks again every five seconds.</p>
        </EmptyState>
      )
    case 'loaded':
      return <LoadedMap map={state} store={store} view={view} />
  }
}

function LoadedMap({ map, store, view }: { map: MapState; store: ServiceMapStore; view: MapView }): JSX.Element {
  const shown = view.showsStores ? map.edges : map.edges.filter(isBetweenServices)
  const edges = edgeViews(shown, store.guards.value)
  const pairs = edges
    .map(({ id }) => id)
    .toSorted()
    .join('\n')
  // The figures change every five seconds; who stands where does not.
  const layout = useMemo(() => mapLayout(shown), [pairs])
  const chosen = view.edge && edgeId(view.edge.caller, view.edge.callee)
  const choose = (edge: MapView['edge']): void => navigate({ page: 'map', view: { ...view, edge } }, { replace: view.edge !== undefined })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || view.edge === undefined) return
      choose(undefined)
      document.querySelector<SVGAElement>(`[data-edge="${CSS.escape(chosen ?? '')}"]`)?.focus()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [chosen])
  return (
    <>
      <Head edges={edges} map={map} view={view} stale={store.stale.value} />
      {edges.length === 0 ? (
        <Nothing minutes={view.minutes} hasStores={map.edges.length > 0} />
      ) : (
        <div class="map-body">
          <div class="map-scroll">
            <ServiceGraph layout={layout} edges={edges} chosen={chosen} view={view} />
            <EdgeTable edges={edges} chosen={chosen} view={view} />
          </div>
          {view.edge !== undefined && <EdgePanel key={chosen} edge={view.edge} minutes={view.minutes} onClose={() => choose(undefined)} />}
        </div>
      )}
    </>
  )
}

function Head(props: { edges: readonly EdgeView[]; map: MapState; view: MapView; stale: string | undefined }): JSX.Element {
  const { edges, map, view, stale } = props
  const services = new Set(edges.flatMap(({ caller, callee }) => [caller, callee]).filter((place) => place.startsWith('service:')))
  const failing = edges.filter(({ tone }) => tone === 'error').length
  const show = (part: Partial<MapView>): void => navigate({ page: 'map', view: { ...view, ...part } }, { replace: true })
  return (
    <div class="page-head">
      <h1>Map</h1>
      <p class="facts">
        <span>{plural(services.size, 'service')}</span>
        <span>{plural(edges.length, 'pair')} that call</span>
        <span class={failing > 0 ? 'error-text' : ''}>{failing} failing</span>
        {map.passedOver > 0 && <span class="warn-text">{plural(map.passedOver, 'call')} of further pairs not shown</span>}
        {stale !== undefined && <span class="error-text">{stale}</span>}
      </p>
      <span class="spacer" />
      <label class="switch">
        <input type="checkbox" checked={view.showsStores} onChange={(event) => show({ showsStores: event.currentTarget.checked })} />
        Databases and topics
      </label>
      <fieldset class="segments">
        <legend class="hidden">Window</legend>
        {MAP_MINUTES.map((minutes) => (
          <label key={minutes} class={view.minutes === minutes ? 'chosen' : ''} title={`The last ${minutes} minutes`}>
            <input type="radio" name="minutes" checked={view.minutes === minutes} onChange={() => show({ minutes })} />
            {minutes} min
          </label>
        ))}
      </fieldset>
    </div>
  )
}

function Nothing({ minutes, hasStores }: { minutes: number; hasStores: boolean }): JSX.Element {
  return (
    <EmptyState title={`Nobody called anybody in the last ${minutes} minutes`}>
      {hasStores ? (
        <p>There was work on databases and topics alone. Show them by the switch above.</p>
      ) : (
        <p>
          The map is drawn from traces as they arrive. Make a request through the gateway, or send spans to{' '}
          <code>{window.location.origin}/v1/traces</code>.
        </p>
      )}
    </EmptyState>
  )
}
