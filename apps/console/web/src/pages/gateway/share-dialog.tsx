import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { ReasonDialog } from '../../components/reason-dialog.tsx'
import type { MovingRoute } from './route-rows.ts'
import type { ShareChange } from './state.ts'

/** The steps in which a route is moved as a rule. */
const STEPS = [0, 1, 10, 50, 100] as const

/** Asks for the share and the reason. */
export function ShareDialog({
  kind,
  route,
  onClose,
  onChange,
}: {
  kind: ShareChange['kind']
  route: MovingRoute
  onClose: () => void
  onChange: (change: ShareChange) => void
}): JSX.Element {
  const percent = useSignal(String(STEPS.find((step) => step > route.sharePercent) ?? 100))
  const tenant = useSignal('')
  const share = (): number => Number(percent.value)
  const invalid = (): string | undefined =>
    kind === 'shift' && (percent.value.trim() === '' || !(share() >= 0 && share() <= 100))
      ? 'The share is a number from 0 to 100.'
      : undefined
  const confirm = (why: string): undefined => {
    const change = { route: route.id, why, ...(tenant.value !== '' && { tenant: tenant.value }) }
    onChange(kind === 'shift' ? { kind, ...change, percent: share() } : { kind, ...change })
  }
  const title = kind === 'shift' ? 'Shift' : 'Roll back'
  return (
    <ReasonDialog
      title={title}
      subject={{ name: route.id, shown: `${route.id}: ${route.sharePercent} % at ${route.to}` }}
      what={
        kind === 'shift'
          ? `So much of its requests goes to ${route.to} as soon as that is written down; the rest to ${route.from}. It is refused while the data is not ready.`
          : `All of its requests go to ${route.from} at once${route.tenants.length > 0 ? ', those of tenants too where none is named' : ''}.`
      }
      confirm={title}
      isDanger={kind !== 'shift'}
      whyMissing="Say why: it stands in the gateway’s ledger for whoever asks later."
      invalid={invalid}
      onClose={onClose}
      onConfirm={confirm}
    >
      {kind === 'shift' && (
        <>
          <label for="share-percent">Share of the new side, in percent</label>
          <span class="steps">
            <input
              id="share-percent"
              type="number"
              min={0}
              max={100}
              step="any"
              value={percent.value}
              onInput={(event) => (percent.value = event.currentTarget.value)}
            />
            {STEPS.map((step) => (
              <button
                key={step}
                type="button"
                class="button"
                aria-pressed={percent.value === String(step)}
                onClick={() => (percent.value = String(step))}
              >
                {step} %
              </button>
            ))}
          </span>
        </>
      )}
      {route.tenants.length > 0 && (
        <label>
          Whose
          <select value={tenant.value} onChange={(event) => (tenant.value = event.currentTarget.value)}>
            <option value="">{kind === 'shift' ? 'all that have no share of their own' : 'all, and every tenant'}</option>
            {route.tenants.map(({ tenant: name, sharePercent }) => (
              <option key={name} value={name}>
                tenant {name} alone ({sharePercent} %)
              </option>
            ))}
          </select>
        </label>
      )}
    </ReasonDialog>
  )
}
