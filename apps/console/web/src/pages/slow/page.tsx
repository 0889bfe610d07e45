import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { EmptyState } from '../../components/empty-state.tsx'
import { OperationComparison } from './operation-comparison.tsx'
import { OperationTable } from './operation-table.tsx'
import { type OperationName, useOperations } from './state.ts'
import { plural } from '../../view-model/format.ts'

/** Over many traces: what the slow ones of an operation have that the usual ones do not. The one with the most time is shown where the address names none. */
export function SlowPage({ operation }: { operation: OperationName | undefined }): JSX.Element {
  const store = useOperations()
  const operations = store.operations.value
  const first = operations.kind === 'loaded' ? operations.value.operations[0] : undefined
  const chosen = operation ?? first
  useEffect(() => {
    document.title = 'Why slow? · Seaworthy console'
  }, [])
  useEffect(() => {
    if (chosen !== undefined) void store.show(chosen)
  }, [chosen?.service, chosen?.name])
  if (operations.kind === 'loading') return <p class="loading">Looking what is asked of the system…</p>
  if (operations.kind === 'failed') {
    return (
      <EmptyState title="The operations could not be asked for">
        <p>{operations.why} Load the page again.</p>
      </EmptyState>
    )
  }
  if (operations.value.operations.length === 0) {
    return (
      <EmptyState title="Nothing has been asked of the system yet">
        <p>As soon as there are eight traces of one operation, this page holds the slowest of them against the usual ones.</p>
      </EmptyState>
    )
  }
  return (
    <>
      <div class="page-head">
        <h1>Why slow?</h1>
        <p class="facts">
          <span>{plural(operations.value.operations.length, 'operation')}</span>
        </p>
      </div>
      <div class="table-frame">
        <OperationTable operations={operations.value.operations} chosen={chosen} />
        <OperationComparison comparison={store.comparison.value} />
      </div>
    </>
  )
}
