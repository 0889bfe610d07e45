import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** Asks for the reason of what somebody is about to change, and whether it is meant. Nothing is done before it is confirmed. */
export function ReasonDialog({
  title,
  subject,
  what,
  confirm,
  isDanger,
  whyMissing,
  invalid,
  onClose,
  onConfirm,
  children,
}: {
  title: string
  /** What it is done to: its name, and how it is shown. */
  subject: { readonly name: string; readonly shown: ComponentChildren }
  what: string
  confirm: string
  isDanger: boolean
  /** What is said where no reason is given. */
  whyMissing: string
  /** What is wrong with the other fields; looked at before the reason. */
  invalid?: () => string | undefined
  onClose: () => void
  /** @returns what is wrong all the same */
  onConfirm: (reason: string) => string | undefined
  /** Other fields, above the reason. */
  children?: ComponentChildren
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const why = useSignal('')
  const wrong = useSignal<string | undefined>(undefined)
  useEffect(() => dialog.current?.showModal(), [])
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const reason = why.value.trim()
    wrong.value = invalid?.() ?? (reason === '' ? whyMissing : onConfirm(reason))
  }
  return (
    <dialog ref={dialog} class="help change-dialog" aria-labelledby="reason-title" onClose={onClose}>
      <form class="help-body" noValidate onSubmit={submit} onInput={() => (wrong.value = undefined)}>
        <h2 id="reason-title">{title}</h2>
        <p class="truncate muted" title={subject.name}>
          {subject.shown}
        </p>
        <p>{what}</p>
        {children}
        <label>
          Why
          <textarea
            rows={3}
            maxLength={1_000}
            aria-required="true"
            aria-invalid={wrong.value !== undefined}
            value={why.value}
            ref={(element) => element?.setAttribute('autofocus', '')}
            onInput={(event) => (why.value = event.currentTarget.value)}
          />
        </label>
        <p role="alert" class="error-text">
          {wrong.value}
        </p>
        <p class="actions">
          <button type="submit" class={`button ${isDanger ? 'danger' : 'primary'}`}>
            {confirm}
          </button>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  )
}
