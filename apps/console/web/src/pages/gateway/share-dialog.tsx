import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { MovingRoute } from './route-rows.ts'
import type { ShareChange } from './state.ts'

/** The steps in which a route is moved as a rule. */
const STEPS = [0, 1, 10, 50, 100] as const

/** Asks for the share and the reason. Nothing is done before it is confirmed. */
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
  const dialog = useRef<HTMLDialogElement>(null)
  const percent = useSignal(String(STEPS.find((step) => step > route.sharePercent) ?? 100))
  const tenant = useSignal('')
  const why = useSignal('')
  const wrong = useSignal<string | undefined>(undefined)
  useEffect(() => dialog.current?.showModal(), [])
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const share = Number(percent.value)
    if (kind === 'shift' && (percent.value.trim() === '' || !(share >= 0 && share <= 100))) {
      wrong.value = 'The share is a number from 0 to 100.'
      return
    }
    const reason = why.value.trim()
    if (reason === '') {
      wrong.value = 'Say why: it stands in the gateway’s ledger for whoever asks later.'
      return
    }
    const change = { route: route.id, why: reason, ...(tenant.value !== '' && { tenant: tenant.value }) }
    onChange(kind === 'shift' ? { kind, ...change, percent: share } : { kind, ...change })
  }
  const title = kind === 'shift' ? 'Shift' : 'Roll back'
  return (
    <dialog ref={dialog} class="help change-dialog" aria-labelledby="share-title" onClose={onClose}>
      <form class="help-body" noValidate onSubmit={submit}>
        <h2 id="share-title">{title}</h2>
        <p class="truncate muted" title={route.id}>
          {route.id}: {route.sharePercent} % at {route.to}
        </p>
        <p>
          {kind === 'shift'
            ? `So much of its requests goes to ${route.to} as soon as that is written down; the rest to ${route.from}. It is refused while the data is not ready.`
            : `All of its requests go to ${route.from} at once${route.tenants.length > 0 ? ', those of tenants too where none is named' : ''}.`}
        </p>
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
                onInput={(event) => {
                  percent.value = event.currentTarget.value
                  wrong.value = undefined
                }}
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
        <label>
          Why
          <textarea
            rows={3}
            maxLength={1_000}
            aria-required="true"
            aria-invalid={wrong.value !== undefined}
            value={why.value}
            ref={(element) => element?.setAttribute('autofocus', '')}
            onInput={(event) => {
              why.value = event.currentTarget.value
              wrong.value = undefined
            }}
          />
        </label>
        <p role="alert" class="error-text">
          {wrong.value}
        </p>
        <p class="actions">
          <button type="submit" class={`button ${kind === 'shift' ? 'primary' : 'danger'}`}>
            {title}
          </button>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  )
}
