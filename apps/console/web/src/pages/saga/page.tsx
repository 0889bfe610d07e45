import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { HandDecision, SagaChange, SagaDetails } from '@seaworthy/supervisor/management'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { Icon } from '../../components/icon.tsx'
import { OrderResult } from '../../components/order-result.tsx'
import { SagaChangeDialog } from './saga-change-dialog.tsx'
import { SagaGraphView } from './saga-graph-view.tsx'
import { SagaSteps } from './saga-steps.tsx'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'
import { follow } from '../../state/location.ts'
import { type SagaStore, useSaga } from '../../state/sagas.ts'
import { formatDate, formatDuration, formatTime } from '../../view-model/format.ts'
import { ALL_SAGAS } from '../sagas/route.ts'
import { NO_FILTER } from '../traces/route.ts'
import type { SagaView } from '../../view-model/saga.ts'

/** One saga: how it stands and why, what it declares, what became of each step, and what a person may do about it. */
export function SagaPage({ service, id }: { service: string; id: string }): JSX.Element {
  const store = useSaga(service, id)
  useEffect(() => {
    document.title = `${id} · Seaworthy console`
  }, [id])
  const state = store.state.value
  const view = store.view.value
  if (state.kind === 'failed') {
    return (
      <>
        <div class="page-head">
          <BackLink />
        </div>
        <EmptyState title="The saga could not be shown">
          <p>{state.why} This page asks again every second.</p>
        </EmptyState>
      </>
    )
  }
  if (view === undefined) return <p class="loading">Asking {service}…</p>
  return (
    <>
      <Head view={view} service={service} stale={store.stale.value} />
      <OrderResult state={store.changing.value} onClose={() => (store.changing.value = undefined)} />
      <div class="table-frame">
        <Standing view={view} store={store} />
        <section class="part">
          <h2>
            What {view.details.saga} {view.details.version} declares
          </h2>
          {view.graph === undefined ? (
            <p class="part-note">
              The service has no code for this version, so that it can neither be drawn nor go on: deploy it beside the new one.
            </p>
          ) : (
            <SagaGraphView graph={view.graph} service={service} />
          )}
        </section>
        <section class="part">
          <h2>Steps</h2>
          {view.steps.length === 0 ? <Nothing details={view.details} /> : <SagaSteps view={view} />}
          {view.details.isMore && (
            <p class="part-note">
              There are more steps.{' '}
              <code>
                seaworthy saga show {service} {view.details.id}
              </code>{' '}
              shows all.
            </p>
          )}
        </section>
        <section class="part">
          <h2>Decided by hand</h2>
          <Decisions decisions={view.details.decisions} />
        </section>
        {view.details.prunedAtMs === null && (
          <section class="part">
            <h2>Input</h2>
            <pre class="body saga-input">{view.details.input}</pre>
            {view.details.isInputCut && <p class="part-note">The rest is left out.</p>}
          </section>
        )}
      </div>
    </>
  )
}

function Nothing({ details: { prunedAtMs } }: { details: SagaDetails }): JSX.Element {
  return (
    <p class="part-note">
      {prunedAtMs === null
        ? 'None has begun yet.'
        : `Its journal was let go of on ${formatDate(prunedAtMs)}, as its retention says. How it ended, its id and what people decided are kept.`}
    </p>
  )
}

function Head({ view, service, stale }: { view: SagaView; service: string; stale: string | undefined }): JSX.Element {
  const { id, saga, version, startedAtMs, correlationId, traceId, parent } = view.details
  return (
    <div class="page-head saga-head">
      <BackLink />
      <div class="title">
        <h1 class="truncate" title={id}>
          {id}
        </h1>
        <ConditionBadge condition={view.condition} />
      </div>
      <p class="facts">
        <ServiceName name={service} />
        <span>
          {saga} {version}
        </span>
        <span title={`${formatDate(startedAtMs)} ${formatTime(startedAtMs)}`}>
          {formatDate(startedAtMs)} {formatTime(startedAtMs)}
        </span>
        <span class="strong">{formatDuration(view.tookMs * 1_000)}</span>
        {traceId !== null && (
          <a href={`/traces/${traceId}`} onClick={(event) => follow(event, { page: 'trace', traceId, spanId: undefined })}>
            Its trace
          </a>
        )}
        <a
          class="id truncate"
          href={`/traces?q=${encodeURIComponent(correlationId)}`}
          title={`Correlation id ${correlationId}: all its traces`}
          onClick={(event) => follow(event, { page: 'traces', filter: { ...NO_FILTER, text: correlationId } })}
        >
          {correlationId}
        </a>
        {parent !== null && <ParentLink service={service} id={parent.sagaId} step={parent.step} />}
        {stale !== undefined && <span class="error-text">{stale}</span>}
      </p>
    </div>
  )
}

function ParentLink({ service, id, step }: { service: string; id: string; step: string }): JSX.Element {
  const to = { page: 'saga', service, id } as const
  return (
    <span class="truncate">
      step {step} of{' '}
      <a href={`/saga?${new URLSearchParams({ service, id })}`} onClick={(event) => follow(event, to)}>
        {id}
      </a>
    </span>
  )
}

function BackLink(): JSX.Element {
  return (
    <a class="back" href="/sagas" onClick={(event) => follow(event, { page: 'sagas', filter: ALL_SAGAS })}>
      <Icon name="back" />
      Sagas
    </a>
  )
}

/** Why it stands as it does, and what can be done about it. */
function Standing({ view, store }: { view: SagaView; store: SagaStore }): JSX.Element | null {
  const asked = useSignal<SagaChange['action'] | undefined>(undefined)
  const { details } = view
  const { choices, status, reason } = details
  const isBusy = store.changing.value?.kind === 'working'
  const actions = [
    { action: 'retry', text: 'Try again…', may: choices.retry },
    { action: 'skip', text: 'Skip a step…', may: choices.skip.length > 0 },
    { action: 'abort', text: 'Turn it back…', may: choices.abort },
  ] as const
  const possible = actions.filter(({ may }) => may)
  if (reason === null && possible.length === 0) return null
  return (
    <div class={`standing ${status === 'parked' ? 'bad' : ''}`}>
      {reason !== null && (
        <p>
          <Icon name={status === 'parked' ? 'alert' : 'dash'} />
          <span>
            {status === 'parked' ? 'Parked: ' : 'Turned back: '}
            <strong>{reason}</strong>
            {status === 'parked' && choices.skip.length > 0 && `. It stands at ${choices.skip.map((step) => `“${step}”`).join(', ')}`}
          </span>
        </p>
      )}
      {reason === null && <p>It may still turn back: what is done can be undone.</p>}
      {possible.length > 0 && (
        <p class="actions">
          {possible.map(({ action, text }) => (
            <button key={action} type="button" class="button" aria-disabled={isBusy} onClick={() => !isBusy && (asked.value = action)}>
              {text}
            </button>
          ))}
        </p>
      )}
      {asked.value !== undefined && (
        <SagaChangeDialog
          action={asked.value}
          saga={details}
          onClose={() => (asked.value = undefined)}
          onChange={(change) => {
            asked.value = undefined
            void store.change(change)
          }}
        />
      )}
    </div>
  )
}

const ACTIONS = { retry: 'tried again', skip: 'skipped', abort: 'turned back' } as const

function Decisions({ decisions }: { decisions: readonly HandDecision[] }): JSX.Element {
  if (decisions.length === 0) return <p class="part-note">Nothing: it went its way by itself.</p>
  return (
    <table class="grid decision-grid">
      <caption class="hidden">What people decided</caption>
      <TableHead columns={['When', 'Who', 'What', 'Why']} />
      <tbody>
        {decisions.map(({ action, step, actor, note, atMs }) => (
          <tr key={`${atMs} ${action} ${step}`}>
            <td>
              {formatDate(atMs)} {formatTime(atMs).slice(0, 8)}
            </td>
            <td>
              <span class="truncate" title={actor}>
                {actor}
              </span>
            </td>
            <td>
              <span class="truncate">
                {ACTIONS[action]} {step === '' ? '' : `“${step}”`}
              </span>
            </td>
            <td class="wrapping">{note}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
