import './style.css'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { CallTable } from './call-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { OrderResult } from '../../components/order-result.tsx'
import { FaultTable } from './fault-table.tsx'
import { useResilience } from '../../state/resilience.ts'
import { plural } from '../../view-model/format.ts'
import type { ResilienceView } from '../../view-model/resilience.ts'

/** How the calls between services are guarded, and what happens to them while somebody makes a service suffer. */
export function ResiliencePage(): JSX.Element {
  const store = useResilience()
  useEffect(() => {
    document.title = 'Resilience · Seaworthy console'
  }, [])
  const state = store.state.value
  const view = store.view.value
  if (state.kind === 'failed') {
    return (
      <EmptyState title="The policies could not be asked for">
        <p>{state.why} This page asks again every second.</p>
      </EmptyState>
    )
  }
  if (view === undefined) return <p class="loading">Asking the services…</p>
  if (view.services.length === 0) {
    return (
      <EmptyState title="No service runs under a supervisor">
        <p>
          Services that a supervisor started tell it of their circuit breakers, bulkheads and retry budgets. Start the shop with{' '}
          <code>npm start</code>.
        </p>
      </EmptyState>
    )
  }
  return (
    <>
      <Summary view={view} stale={store.stale.value} />
      <OrderResult state={store.ordered.value} onClose={() => (store.ordered.value = undefined)} />
      <div class="messages-body">
        <div class="table-frame">
          {view.calls.length === 0 ? (
            <p class="part-note">No service declares a policy for a call. It does so in its service.ts, by `policies`.</p>
          ) : (
            <CallTable calls={view.calls} inFlight={store.inFlight} />
          )}
          <section class="part">
            <h2>Faults</h2>
            <FaultTable services={view.services} onFault={(service, fault, text) => void store.inject(service, fault, text)} />
            <p class="part-note">
              The same from a terminal: <code>seaworthy fault payments --latency 2s</code>, <code>--errors 50%</code>, <code>--pause</code>,{' '}
              <code>--kill</code>, <code>--clear</code>.
            </p>
          </section>
        </div>
      </div>
    </>
  )
}

function Summary({ view, stale }: { view: ResilienceView; stale: string | undefined }): JSX.Element {
  return (
    <div class="page-head">
      <h1>Resilience</h1>
      <p class="facts">
        <span>{plural(view.calls.length, 'guarded call')}</span>
        <span class={view.open > 0 ? 'error-text' : ''}>{plural(view.open, 'open breaker')}</span>
        {view.suffering > 0 && <span class="warn-text">{plural(view.suffering, 'service')} made to suffer</span>}
        {stale !== undefined && <span class="error-text">{stale}</span>}
      </p>
    </div>
  )
}
