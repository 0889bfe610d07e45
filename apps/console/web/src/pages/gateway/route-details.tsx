import type { LedgerEntry, RouteOverview } from '@seaworthy/supervisor/gateway-admin'
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { Icon } from '../../components/icon.tsx'
import { TableHead } from '../../components/table-head.tsx'
import { formatDuration, formatShare, plural } from '../../view-model/format.ts'
import { DecisionTable } from './decision-table.tsx'
import { type MovingRoute, PHASES, type RouteRow } from './route-rows.ts'
import { ShareBar } from './share-bar.tsx'
import { ShareDialog } from './share-dialog.tsx'
import type { ShareChange } from './state.ts'

/** All that is known of one route, and what can be done about its share. */
export function RouteDetails({
  row,
  entries,
  isBusy,
  onClose,
  onChange,
}: {
  row: RouteRow
  entries: readonly LedgerEntry[]
  isBusy: boolean
  onClose: () => void
  onChange: (change: ShareChange) => void
}): JSX.Element {
  const { route, match } = row
  const asked = useSignal<ShareChange['kind'] | undefined>(undefined)
  const panel = useRef<HTMLElement>(null)
  // The next Tab leads into it.
  useEffect(() => panel.current?.focus({ preventScroll: true }), [])
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !event.defaultPrevented && asked.peek() === undefined) onClose()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [])
  const own = entries.filter((entry) => entry.route === route.id)
  return (
    <aside ref={panel} class="details route-details" tabIndex={-1} aria-label={`Route ${route.id}`}>
      <div class="details-head">
        <h2 class="truncate" title={route.id}>
          {route.id}
        </h2>
        <button type="button" class="icon-button" aria-label="Close the details" title="Close (Esc)" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <p class="muted wrapping">{match}</p>
      <p>
        {route.from} → {route.to} <ShareBar percent={route.sharePercent} />
      </p>
      <p class="actions">
        <button type="button" class="button" aria-disabled={isBusy} onClick={() => !isBusy && (asked.value = 'shift')}>
          Shift…
        </button>
        <button type="button" class="button" aria-disabled={isBusy} onClick={() => !isBusy && (asked.value = 'rollback')}>
          Roll back…
        </button>
      </p>
      <Sides route={route} />
      <Part title="Goes back by itself" condition={row.budget}>
        <p class="muted">{row.budget.title}.</p>
      </Part>
      <Part title="Differences" condition={row.differences}>
        <Differences route={route} title={row.differences.title} />
      </Part>
      <Part title="Data" condition={row.data}>
        <Data route={route} title={row.data.title} />
      </Part>
      {route.tenants.length > 0 && <Tenants tenants={route.tenants} />}
      <section>
        <h3>Decisions</h3>
        {own.length === 0 ? (
          <p class="muted">None: its share is what the file says.</p>
        ) : (
          <DecisionTable entries={own} name="Its decisions" />
        )}
      </section>
      {asked.value !== undefined && (
        <ShareDialog
          kind={asked.value}
          route={route}
          onClose={() => (asked.value = undefined)}
          onChange={(change) => {
            asked.value = undefined
            onChange(change)
          }}
        />
      )}
    </aside>
  )
}

function Part({ title, condition, children }: { title: string; condition: RouteRow['data']; children: ComponentChildren }): JSX.Element {
  return (
    <section>
      <h3 class="part-head">
        {title} <ConditionBadge condition={condition} />
      </h3>
      {children}
    </section>
  )
}

/** What both sides did lately. */
function Sides({ route }: { route: MovingRoute }): JSX.Element {
  const { lately, budget } = route
  return (
    <section>
      <h3>{budget === null ? 'Lately' : `The last ${formatDuration(budget.windowMs * 1_000)}`}</h3>
      <table class="grid sides-grid">
        <caption class="hidden">What both sides did lately</caption>
        <TableHead columns={['Side', { number: 'Requests' }, { number: 'Failed' }, { number: 'p95' }]} />
        <tbody>
          {(['from', 'to'] as const).map((side) => {
            const { requests, errors, p95Ms } = lately[side]
            return (
              <tr key={side}>
                <th scope="row">
                  <span class="truncate" title={route[side]}>
                    {route[side]}
                  </span>
                </th>
                <td class="number">{requests.toLocaleString('en')}</td>
                <td class={`number ${errors > 0 ? 'error-text' : ''}`}>{formatShare(errors, requests)}</td>
                <td class="number">{p95Ms === undefined ? '–' : formatDuration(p95Ms * 1_000)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

function Differences({ route: { comparison }, title }: { route: MovingRoute; title: string }): JSX.Element {
  if (comparison === null || comparison.fields.length === 0) return <p class="muted wrapping">{title}.</p>
  return (
    <>
      <p class="muted">{title}.</p>
      <ul class="fields">
        {comparison.fields.map(({ endpoint, field, kind, answers, explanations }) => (
          <li key={`${endpoint} ${field} ${kind}`}>
            <code class="wrapping">{field}</code> <span class="muted">{kind}</span>, in {plural(answers, 'answer')}
            {explanations.length > 0 && <span>; always {explanations.join(', ')}</span>}
            <span class="truncate muted" title={endpoint}>
              {endpoint}
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

function Data({ route: { data }, title }: { route: MovingRoute; title: string }): JSX.Element {
  if (data?.kind !== 'cut-over') return <p class="muted wrapping">{title}.</p>
  const { phase, epoch, lag, parked, held, strays, failure, ready, reason } = data
  const facts: readonly (readonly [name: string, value: string])[] = [
    ['Owner', `${PHASES[phase] ?? phase} (epoch ${epoch})`],
    ['Lag', `${plural(lag.changes, 'change')}, ${formatDuration(lag.ageMs * 1_000)}`],
    ['Ready', ready ? 'yes' : `no: ${reason ?? 'it does not say why'}`],
    ...(failure === undefined ? [] : [['Feed', failure] as const]),
    ...(parked === 0 ? [] : [['Parked', `${plural(parked, 'key')} that could not be brought over`] as const]),
    ...(held === 0 ? [] : [['Held', `${plural(held, 'key')} whose writes wait`] as const]),
    ...(strays === 0 ? [] : [['Stray writes', `${strays.toLocaleString('en')} on the side that does not own the data`] as const]),
  ]
  return (
    <dl class="attributes">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Tenants({ tenants }: { tenants: RouteOverview['tenants'] }): JSX.Element {
  return (
    <section>
      <h3>Tenants with a share of their own</h3>
      <table class="grid sides-grid">
        <caption class="hidden">Tenants with a share of their own</caption>
        <TableHead columns={['Tenant', 'Moved', { number: 'Old side' }, { number: 'New side' }]} />
        <tbody>
          {tenants.map(({ tenant, sharePercent, counts }) => (
            <tr key={tenant}>
              <th scope="row">
                <span class="truncate" title={tenant}>
                  {tenant}
                </span>
              </th>
              <td>
                <ShareBar percent={sharePercent} />
              </td>
              <td class="number">{(counts?.requests.from ?? 0).toLocaleString('en')}</td>
              <td class="number">{(counts?.requests.to ?? 0).toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
