import type { JSX } from 'preact'
import type { CallRow } from '../../view-model/resilience.ts'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'
import { Sparkline } from './sparkline.tsx'

const NOTHING = '–'
const SAMPLES_MAX = 60

/** Every guarded call: its breaker, its places, its budget, and what became of it. */
export function CallTable({
  calls,
  inFlight,
}: {
  calls: readonly CallRow[]
  inFlight: ReadonlyMap<string, readonly number[]>
}): JSX.Element {
  return (
    <table class="grid call-grid">
      <caption class="hidden">Guarded calls</caption>
      <TableHead
        columns={[
          'Caller',
          'Call',
          'Circuit breaker',
          { name: 'In flight', title: 'Calls that wait for their answer, over the last minute' },
          { name: 'Bulkhead', title: 'Places of the bulkhead that are taken, and calls that wait for one' },
          { number: 'Budget', title: 'Retries that may still be made' },
          { number: 'Calls' },
          { number: 'Failed' },
          { number: 'Retries' },
          { number: 'Timed out' },
          { number: 'Rejected', title: 'Calls that breaker or bulkhead turned away at once' },
        ]}
      />
      <tbody>
        {calls.map((row) => (
          <Row key={`${row.service} ${row.call}`} row={row} samples={inFlight.get(`${row.service} ${row.call}`) ?? []} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ row, samples }: { row: CallRow; samples: readonly number[] }): JSX.Element {
  const { service, call, breaker, running, places, budget, policy } = row
  const count = (value: number, tone = '') => <td class={`number ${value > 0 ? tone : ''}`}>{value.toLocaleString('en')}</td>
  return (
    <tr>
      <th scope="row">
        <ServiceName name={service} />
      </th>
      <td title={policy}>
        <span class="truncate">{call}</span>
      </td>
      <td>
        <ConditionBadge condition={breaker} />
      </td>
      <td>
        <span class="in-flight">
          <Sparkline
            values={samples}
            samplesMax={SAMPLES_MAX}
            title={`In flight to ${call}: ${running}; at most ${Math.max(0, ...samples)} in the last minute`}
          />
          <span class="number">{running.toLocaleString('en')}</span>
        </span>
      </td>
      <td>{places === undefined ? NOTHING : <Places places={places} />}</td>
      <td
        class={`number ${budget !== undefined && budget.denied > 0 ? 'warn-text' : ''}`}
        title={budget && `${budget.denied} retries were denied`}
      >
        {budget === undefined ? NOTHING : `${budget.tokens} of ${budget.tokensMax}`}
      </td>
      {count(row.calls)}
      {count(row.failed, 'error-text')}
      {count(row.retries, 'warn-text')}
      {count(row.timedOut, 'warn-text')}
      {count(row.rejected, 'warn-text')}
    </tr>
  )
}

function Places({ places: { running, runningMax, queued, queueMax } }: { places: NonNullable<CallRow['places']> }): JSX.Element {
  const title = `${running} of ${runningMax} places taken, ${queued} of ${queueMax} waiting`
  return (
    <span class="places" title={title}>
      <meter min={0} max={runningMax} high={runningMax * 0.9} value={running} aria-label={title} />
      <span class={queued > 0 ? 'warn-text' : ''}>
        {running}/{runningMax}
        {queued > 0 && ` +${queued}`}
      </span>
    </span>
  )
}
