import './style.css'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { EmptyState } from '../../components/empty-state.tsx'
import { LabReportView } from './lab-report.tsx'
import { LabRunTable } from './lab-run-table.tsx'
import { type LabRunName, useLabs } from './state.ts'
import { plural } from '../../view-model/format.ts'

/** What labs showed: each run with its figures and what it printed. The newest is shown where the address names none. */
export function LabsPage({ run }: { run: LabRunName | undefined }): JSX.Element {
  const labs = useLabs()
  const runs = labs.runs.value
  const newest = runs.kind === 'loaded' ? runs.value[0] : undefined
  const chosen = run ?? newest
  useEffect(() => {
    document.title = 'Labs · Seaworthy console'
  }, [])
  useEffect(() => {
    if (chosen !== undefined) void labs.show(chosen)
  }, [chosen?.lab, chosen?.run])
  if (runs.kind === 'loading') return <p class="loading">Looking for runs…</p>
  if (runs.kind === 'failed') {
    return (
      <EmptyState title="The labs could not be asked for">
        <p>{runs.why} Load the page again.</p>
      </EmptyState>
    )
  }
  if (runs.value.length === 0 && run === undefined) {
    return (
      <EmptyState title="No lab has run here">
        <p>
          A lab shows a failure and then its cure, with figures. <code>npx seaworthy lab list</code> names them; begin with{' '}
          <code>npx seaworthy lab cascading-failure</code>, and load this page again.
        </p>
      </EmptyState>
    )
  }
  return (
    <>
      <div class="page-head">
        <h1>Labs</h1>
        <p class="facts">
          <span>{plural(runs.value.length, 'run')}</span>
        </p>
      </div>
      <div class="table-frame">
        <LabRunTable runs={runs.value} chosen={chosen} />
        <LabReportView report={labs.report.value} />
      </div>
    </>
  )
}
