import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { SagaChange, SagaDetails } from '@seaworthy/supervisor/management'

type Action = SagaChange['action']

const TEXTS: Readonly<Record<Action, { readonly title: string; readonly what: string; readonly confirm: string }>> = {
  retry: {
    title: 'Try again',
    what: 'What the saga was parked for is tried again under its key, with its whole policy. Mend the cause first.',
    confirm: 'Try again',
  },
  skip: {
    title: 'Skip a step',
    what: 'The step is taken as done, or as undone where the saga turned back, because somebody saw to it. Nothing is called.',
    confirm: 'Skip the step',
  },
  abort: {
    title: 'Turn it back',
    what: 'The saga turns back: what was done, or may have been, is undone in reverse order. There is no way to go on after that.',
    confirm: 'Turn it back',
  },
}

/** Asks for the reason, and whether it is meant. Nothing is done before it is confirmed. */
export function SagaChangeDialog({
  action,
  saga,
  onClose,
  onChange,
}: {
  action: Action
  saga: SagaDetails
  onClose: () => void
  onChange: (change: SagaChange) => void
}): JSX.Element {
  const { id, choices } = saga
  const dialog = useRef<HTMLDialogElement>(null)
  const note = useSignal('')
  const step = useSignal(choices.skip[0] ?? '')
  const result = useSignal('')
  const wrong = useSignal<string | undefined>(undefined)
  useEffect(() => dialog.current?.showModal(), [])
  const { title, what, confirm } = TEXTS[action]
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const reason = note.value.trim()
    if (reason === '') {
      wrong.value = 'Say why: it stands in the saga’s journal for whoever asks later.'
      return
    }
    if (action !== 'skip') return onChange({ id, action, note: reason })
    try {
      const value = result.value.trim() === '' ? {} : { result: JSON.parse(result.value) as unknown }
      onChange({ id, action, note: reason, step: step.value, ...value })
    } catch {
      wrong.value = 'The result must be JSON, or nothing.'
    }
  }
  return (
    <dialog ref={dialog} class="help change-dialog" aria-labelledby="change-title" onClose={onClose}>
      <form class="help-body" onSubmit={submit}>
        <h2 id="change-title">{title}</h2>
        <p class="truncate muted" title={id}>
          {id}
        </p>
        <p>{what}</p>
        {action === 'skip' && (
          <>
            <label>
              Step
              <select value={step.value} onChange={(event) => (step.value = event.currentTarget.value)}>
                {choices.skip.map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <label>
              Its result, as JSON <span class="muted">(nothing, where later steps ask for none)</span>
              <textarea rows={2} spellcheck={false} value={result.value} onInput={(event) => (result.value = event.currentTarget.value)} />
            </label>
          </>
        )}
        <label>
          Why
          <textarea
            rows={3}
            maxLength={1_000}
            aria-required="true"
            aria-invalid={wrong.value !== undefined}
            value={note.value}
            ref={(element) => element?.setAttribute('autofocus', '')}
            onInput={(event) => {
              note.value = event.currentTarget.value
              wrong.value = undefined
            }}
          />
        </label>
        <p role="alert" class="error-text">
          {wrong.value}
        </p>
        <p class="actions">
          <button type="submit" class={`button ${action === 'abort' ? 'danger' : 'primary'}`}>
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
