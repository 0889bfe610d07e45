import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { EmptyState } from '../../components/empty-state.tsx'
import { ImportButton } from './import-button.tsx'
import { TraceFilterBar } from './trace-filter-bar.tsx'
import { TraceTable } from './trace-table.tsx'
import { navigate } from '../../state/location.ts'
import { system } from '../../state/system.ts'
import { type TraceList, useTraceList } from './state.ts'
import { plural } from '../../view-model/format.ts'
import { NO_FILTER, type TraceFilter } from './route.ts'

/** The newest traces that match. */
export function TracesPage({ filter }: { filter: TraceFilter }): JSX.Element {
  const list = useTraceList(filter)
  useEffect(() => {
    document.title = 'Traces · Seaworthy console'
  }, [])
  return (
    <>
      <h1 class="hidden">Traces</h1>
      <TraceFilterBar filter={filter} list={list} />
      <List list={list} filter={filter} />
    </>
  )
}

function List({ list, filter }: { list: TraceList; filter: TraceFilter }): JSX.Element {
  const state = list.state.value
  switch (state.kind) {
    case 'loading':
      return <p class="loading">Asking for traces…</p>
    case 'failed':
      return (
        <EmptyState title="The traces could not be read">
          <p>{state.why}</p>
          <button type="button" class="button" onClick={() => void list.refresh()}>
            Try again
          </button>
        </EmptyState>
      )
    case 'loaded':
      return state.traces.length === 0 ? (
        <Nothing filter={filter} list={list} />
      ) : (
        <>
          <TraceTable traces={state.traces} />
          <p class="list-foot">
            <span>
              {plural(state.traces.length, 'trace')}
              {state.hasOlderPages ? '; new ones are not added while older ones are shown' : ''}
            </span>
            {state.nextBefore !== undefined && (
              <button type="button" class="button" onClick={() => void list.loadOlder()}>
                Load older
              </button>
            )}
            {state.hasOlderPages && (
              <button type="button" class="button" onClick={() => void list.refresh()}>
                Back to the newest
              </button>
            )}
            <ImportButton onImported={() => void list.refresh()} />
          </p>
        </>
      )
  }
}

function Nothing({ filter, list }: { filter: TraceFilter; list: TraceList }): JSX.Element {
  const show = (part: Partial<TraceFilter>): void => navigate({ page: 'traces', filter: { ...filter, ...part } }, { replace: true })
  const background = !filter.showsBackground && (
    <button type="button" class="button" onClick={() => show({ showsBackground: true })}>
      Show background work too
    </button>
  )
  const isFiltered =
    filter.text !== '' || filter.service !== '' || filter.outcome !== '' || filter.minDurationMs > 0 || filter.call !== undefined
  if (isFiltered) {
    return (
      <EmptyState title="No trace matches">
        <p>Traces that were just made take half a second to arrive. Otherwise ask for less:</p>
        <p class="actions">
          <button type="button" class="button" onClick={() => show({ ...NO_FILTER, showsBackground: filter.showsBackground })}>
            Clear the search
          </button>
          {background}
        </p>
      </EmptyState>
    )
  }
  const gateway = system.value?.services.find(({ role }) => role === 'gateway')?.instances.find(({ httpUrl }) => httpUrl !== null)
  return (
    <EmptyState title="Nothing has been asked for yet">
      {gateway === undefined ? (
        <p>
          Start the shop with <code>npm start</code> and make a request through its gateway. It appears here as it happens.
        </p>
      ) : (
        <>
          <p>Make a request through the gateway. It appears here as it happens:</p>
          <pre>curl '{gateway.httpUrl}/api/products'</pre>
        </>
      )}
      <p>
        A service of your own sends OTLP to <code>{window.location.origin}/v1/traces</code>.
      </p>
      <p class="actions">
        {background}
        <ImportButton onImported={() => void list.refresh()} />
      </p>
    </EmptyState>
  )
}
