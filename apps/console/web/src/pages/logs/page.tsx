import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { ShownLog } from '../../../../src/http/answers.ts'
import { EmptyState } from '../../components/empty-state.tsx'
import { LogDetails } from './log-details.tsx'
import { LogFilterBar } from './log-filter-bar.tsx'
import { LogTable } from './log-table.tsx'
import { navigate } from '../../state/location.ts'
import { type LogList, useLogs } from './state.ts'
import { plural } from '../../view-model/format.ts'
import { ALL_LOGS, type LogFilter } from './route.ts'

/** What all services have logged, the newest first. */
export function LogsPage({ filter, log }: { filter: LogFilter; log: number | undefined }): JSX.Element {
  const list = useLogs(filter)
  useEffect(() => {
    document.title = 'Logs · Seaworthy console'
  }, [])
  const state = list.state.value
  return (
    <>
      <h1 class="hidden">Logs</h1>
      <LogFilterBar filter={filter} list={list} />
      {state.kind === 'loading' && <p class="loading">Asking for log records…</p>}
      {state.kind === 'failed' && (
        <EmptyState title="The logs could not be read">
          <p>{state.why} This page asks again every two seconds.</p>
        </EmptyState>
      )}
      {state.kind === 'loaded' &&
        (state.logs.length === 0 ? (
          <Nothing filter={filter} />
        ) : (
          <Records logs={state.logs} isMore={state.nextBefore !== undefined} list={list} filter={filter} log={log} />
        ))}
    </>
  )
}

function Records(props: {
  logs: readonly ShownLog[]
  isMore: boolean
  list: LogList
  filter: LogFilter
  log: number | undefined
}): JSX.Element {
  const { logs, isMore, list, filter, log } = props
  const chosen = logs.find(({ id }) => id === log)
  const close = (): void => navigate({ page: 'logs', filter, log: undefined }, { replace: true })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || log === undefined) return
      close()
      document.querySelector<HTMLElement>(`[data-log="${log}"]`)?.focus()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [log, filter])
  return (
    <div class="map-body">
      <div class="map-scroll">
        <LogTable logs={logs} filter={filter} chosen={chosen?.id} />
        <p class="list-foot">
          <span>
            {plural(logs.length, 'record')}
            {list.hasOlderPages.value ? '; new ones are not added while older ones are shown' : ''}
          </span>
          {list.stale.value !== undefined && <span class="error-text">{list.stale.value}</span>}
          {isMore && (
            <button type="button" class="button" onClick={() => void list.loadOlder()}>
              Load older
            </button>
          )}
          {list.hasOlderPages.value && (
            <button type="button" class="button" onClick={() => void list.refresh({ isAsked: true })}>
              Back to the newest
            </button>
          )}
        </p>
      </div>
      {chosen !== undefined && <LogDetails key={chosen.id} log={chosen} onClose={close} />}
    </div>
  )
}

function Nothing({ filter }: { filter: LogFilter }): JSX.Element {
  const isFiltered = Object.values(filter).some((value) => value !== '')
  return isFiltered ? (
    <EmptyState title="No log record matches">
      <p>A record takes up to half a second to arrive. Otherwise ask for less:</p>
      <p class="actions">
        <button
          type="button"
          class="button"
          onClick={() => navigate({ page: 'logs', filter: ALL_LOGS, log: undefined }, { replace: true })}
        >
          Clear the search
        </button>
      </p>
    </EmptyState>
  ) : (
    <EmptyState title="Nobody has logged anything yet">
      <p>
        What the processes of a system print appears here. Start the shop with <code>npm start</code>; a service of your own sends OTLP to{' '}
        <code>{window.location.origin}/v1/logs</code>.
      </p>
    </EmptyState>
  )
}
