import type { Evidence, LedgerEntry } from '@seaworthy/supervisor/gateway-admin'
import type { JSX } from 'preact'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { TableHead } from '../../components/table-head.tsx'
import { formatClock, formatDate, formatDuration, formatShare, plural } from '../../view-model/format.ts'
import type { Condition } from '../../view-model/messages.ts'

const KINDS: Readonly<Record<LedgerEntry['kind'], Condition>> = {
  shift: { tone: 'ok', text: 'shift', title: 'Somebody moved the share' },
  rollback: { tone: 'warn', text: 'rollback', title: 'Somebody took it back at once' },
  'automatic-rollback': { tone: 'error', text: 'by itself', title: 'The gateway took it back by itself' },
  refused: { tone: 'quiet', text: 'refused', title: 'The share was not moved' },
}

/** Who decided what about which share, and why; the newest first. */
export function DecisionTable({ entries, name }: { entries: readonly LedgerEntry[]; name: string }): JSX.Element {
  return (
    <table class="grid ledger-grid">
      <caption class="hidden">{name}</caption>
      <TableHead columns={['When', 'Route', 'What', { number: 'Share' }, 'Who', 'Why']} />
      <tbody>
        {entries.toReversed().map((entry, index) => (
          <Row key={entries.length - index} entry={entry} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ entry }: { entry: LedgerEntry }): JSX.Element {
  const { atMs, route, tenant, kind, fromPercent, toPercent, who, why, evidence, held } = entry
  return (
    <tr>
      <td>
        <span class="date">{formatDate(atMs)}</span> {formatClock(atMs)}
      </td>
      <td>
        <span class="truncate" title={route}>
          {route}
        </span>
        {tenant !== undefined && (
          <span class="truncate muted" title={`Tenant ${tenant} alone`}>
            {tenant} alone
          </span>
        )}
      </td>
      <td>
        <ConditionBadge condition={KINDS[kind]} />
      </td>
      <td class="number">
        {fromPercent} → {toPercent} %
      </td>
      <td>
        <span class="truncate" title={who}>
          {who}
        </span>
      </td>
      <td class="wrapping">
        {why}
        {evidence !== undefined && <span class="evidence muted">{evidenceText(evidence)}</span>}
        {held !== undefined && (
          <span class="evidence muted" title={held.keys.join(' ')}>
            {plural(held.count, 'key')} held until the old side had them back
          </span>
        )}
      </td>
    </tr>
  )
}

/** What was known then. */
function evidenceText({ comparison, data, lately: { to } }: Evidence): string {
  return [
    ...(comparison === undefined
      ? []
      : [`${formatShare(comparison.differing, comparison.compared)} of ${comparison.compared.toLocaleString('en')} answers differed`]),
    ...(to.requests === 0
      ? []
      : [`${formatShare(to.errors, to.requests)} of ${to.requests.toLocaleString('en')} requests to the new side failed`]),
    ...(data === undefined ? [] : [`data ${formatDuration(data.lag.ageMs * 1_000)} behind, epoch ${data.epoch}`]),
  ].join('; ')
}
