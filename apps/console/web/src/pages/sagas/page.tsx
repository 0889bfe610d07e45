import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { SagasState } from '../../../../src/http/answers.ts'
import { EmptyState } from '../../components/empty-state.tsx'
import { SagaFilterBar } from './saga-filter-bar.tsx'
import { SagaTable } from './saga-table.tsx'
import { follow, navigate } from '../../state/location.ts'
import { useSagas } from '../../state/sagas.ts'
import { plural } from '../../view-model/format.ts'
import { ALL_SAGAS, type SagaFilter } from './route.ts'

/** Every saga of every service, the newest first. */
export function SagasPage({ filter }: { filter: SagaFilter }): JSX.Element {
  const sagas = useSagas(filter)
  useEffect(() => {
    document.title = 'Sagas · Seaworthy console'
  }, [])
  const state = sagas.state.value
  const found = state.kind === 'loaded' ? state : undefined
  return (
    <>
      <div class="page-head">
        <h1>Sagas</h1>
        <p class="facts">
          {found !== undefined && <Facts found={found} />}
          {sagas.stale.value !== undefined && <span class="error-text">{sagas.stale.value}</span>}
          <a href="/choreography" onClick={(event) => follow(event, { page: 'choreography' })}>
            Who reacts to what
          </a>
        </p>
      </div>
      <SagaFilterBar filter={filter} found={found} />
      {state.kind === 'loading' && <p class="loading">Asking the services…</p>}
      {state.kind === 'failed' && (
        <EmptyState title="The sagas could not be asked for">
          <p>{state.why} This page asks again every two seconds.</p>
        </EmptyState>
      )}
      {found !== undefined && <List filter={filter} found={found} />}
    </>
  )
}

function Facts({ found }: { found: SagasState }): JSX.Element {
  const { counts, silent } = found
  const underWay = counts.running + counts.waiting + counts.compensating
  return (
    <>
      <span>{underWay.toLocaleString('en')} under way</span>
      <span class={counts.parked > 0 ? 'error-text' : ''}>{counts.parked.toLocaleString('en')} parked</span>
      {silent.length > 0 && (
        <span class="error-text" title={silent.map(({ problem }) => problem).join('\n')}>
          {plural(silent.length, 'service')} silent: {silent.map(({ service }) => service).join(', ')}
        </span>
      )}
    </>
  )
}

function List({ filter, found }: { filter: SagaFilter; found: SagasState }): JSX.Element {
  const { sagas, nextBefore } = found
  if (sagas.length === 0) return <Nothing filter={filter} found={found} />
  const older = nextBefore === undefined ? undefined : ({ page: 'sagas', filter: { ...filter, before: nextBefore } } as const)
  return (
    <>
      <div class="table-frame">
        <SagaTable sagas={sagas} />
      </div>
      <p class="list-foot">
        <span>{plural(sagas.length, 'saga')} on this page</span>
        {older !== undefined && (
          <button type="button" class="button" onClick={() => navigate(older)}>
            Older
          </button>
        )}
        {filter.before !== '' && (
          <button type="button" class="button" onClick={() => navigate({ page: 'sagas', filter: { ...filter, before: '' } })}>
            Back to the newest
          </button>
        )}
      </p>
    </>
  )
}

function Nothing({ filter, found }: { filter: SagaFilter; found: SagasState }): JSX.Element {
  if (filter.state !== '' || filter.saga !== '' || filter.before !== '') {
    return (
      <EmptyState title={filter.state === 'parked' ? 'No saga is parked' : 'No saga matches'}>
        <p>{filter.state === 'parked' ? 'None waits for a person to decide.' : 'There is none of this state and name right now.'}</p>
        <p class="actions">
          <button type="button" class="button" onClick={() => navigate({ page: 'sagas', filter: ALL_SAGAS }, { replace: true })}>
            Show all
          </button>
        </p>
      </EmptyState>
    )
  }
  if (found.definitions.length === 0) {
    return (
      <EmptyState title="No service tells of sagas">
        <p>
          A service that a supervisor started tells it of its sagas by <code>sagaAnswers</code>. Start the shop with <code>npm start</code>:
          its orders service runs a checkout for each order.
        </p>
      </EmptyState>
    )
  }
  return (
    <EmptyState title="No saga has begun yet">
      <p>
        Declared {found.definitions.length === 1 ? 'is' : 'are'}{' '}
        {found.definitions.map(({ name, version }) => `${name} ${version}`).join(', ')}. Buy something in the storefront: its checkout
        appears here.
      </p>
    </EmptyState>
  )
}
