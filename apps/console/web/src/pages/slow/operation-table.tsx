import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { OperationsAnswer } from '../../../../src/http/answers.ts'
import { follow } from '../../state/location.ts'
import type { OperationName } from './state.ts'
import { useRowKeys } from '../../state/row-keys.ts'
import { formatDuration } from '../../view-model/format.ts'
import { routeUrl } from '../registry.ts'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'

/** What is asked of the system, one operation in a row. */
export function OperationTable({
  operations,
  chosen,
}: {
  operations: OperationsAnswer['operations']
  chosen: OperationName | undefined
}): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  useRowKeys(body)
  return (
    <table class="grid linked-rows operation-grid">
      <caption class="hidden">Operations, those with the most time in all first</caption>
      <TableHead columns={['Operation', 'Of', { number: 'Traces' }, { number: 'p50' }, { number: 'p95' }, { number: 'Slowest' }]} />
      <tbody ref={body}>
        {operations.map((each) => {
          const { service, name, traces, p50Ms, p95Ms, slowestMs } = each
          const isChosen = service === chosen?.service && name === chosen.name
          const to = { page: 'slow', operation: { service, name } } as const
          return (
            <tr key={`${service} ${name}`} class={isChosen ? 'chosen' : ''} onClick={(event) => follow(event, to)}>
              <td>
                <a class="row-link truncate" href={routeUrl(to)} title={name} aria-current={isChosen ? 'true' : undefined}>
                  {name}
                </a>
              </td>
              <td>
                <ServiceName name={service} />
              </td>
              <td class="number">{traces.toLocaleString('en')}</td>
              {[p50Ms, p95Ms, slowestMs].map((ms, index) => (
                <td key={index} class="number">
                  {formatDuration(ms * 1_000)}
                </td>
              ))}
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
