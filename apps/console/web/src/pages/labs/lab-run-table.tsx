import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { LabOutcome, LabRunSummary } from '@seaworthy/supervisor'
import type { LabRunName } from './state.ts'
import { follow } from '../../state/location.ts'
import { useRowKeys } from '../../state/row-keys.ts'
import { formatClock, formatDate, formatDuration } from '../../view-model/format.ts'
import { routeUrl } from '../registry.ts'
import { Icon } from '../../components/icon.tsx'
import { TableHead } from '../../components/table-head.tsx'

const OUTCOMES = {
  'as promised': { icon: 'check', tone: 'ok-text' },
  'not as promised': { icon: 'alert', tone: 'error-text' },
  failed: { icon: 'alert', tone: 'error-text' },
} as const satisfies Record<LabOutcome, object>

/** Runs of labs, one in a row. */
export function LabRunTable({ runs, chosen }: { runs: readonly LabRunSummary[]; chosen: LabRunName | undefined }): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  const isChosen = ({ lab, run }: LabRunName) => lab === chosen?.lab && run === chosen.run
  useRowKeys(body, () => chosen && routeUrl({ page: 'labs', run: chosen }))
  return (
    <table class="grid linked-rows lab-grid">
      <caption class="hidden">Runs of labs, the newest first</caption>
      <TableHead columns={['Lab', 'Ran', { number: 'Took' }, 'Outcome', 'What it shows']} />
      <tbody ref={body}>
        {runs.map((each) => {
          const to = { page: 'labs', run: { lab: each.lab, run: each.run } } as const
          const { icon, tone } = OUTCOMES[each.outcome]
          return (
            <tr key={`${each.lab} ${each.run}`} class={isChosen(each) ? 'chosen' : ''} onClick={(event) => follow(event, to)}>
              <td>
                <a class="row-link" href={routeUrl(to)} aria-current={isChosen(each) ? 'true' : undefined}>
                  {each.lab}
                </a>
              </td>
              <td>
                {formatDate(each.startedAtMs)} {formatClock(each.startedAtMs)}
              </td>
              <td class="number">{formatDuration(each.tookMs * 1_000)}</td>
              <td>
                <span class={`lab-outcome ${tone}`}>
                  <Icon name={icon} />
                  {each.outcome}
                </span>
              </td>
              <td>
                <span class="truncate" title={each.summary}>
                  {each.summary}
                </span>
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
