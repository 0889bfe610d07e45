import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { ReasonDialog } from '../../components/reason-dialog.tsx'
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

/** Asks for the reason of a change by hand, and for what else it needs. */
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
  const step = useSignal(choices.skip[0] ?? '')
  const result = useSignal('')
  const confirm = (note: string): string | undefined => {
    if (action !== 'skip') {
      onChange({ id, action, note })
      return undefined
    }
    try {
      const value = result.value.trim() === '' ? {} : { result: JSON.parse(result.value) as unknown }
      onChange({ id, action, note, step: step.value, ...value })
      return undefined
    } catch {
      return 'The result must be JSON, or nothing.'
    }
  }
  return (
    <ReasonDialog
      {...TEXTS[action]}
      subject={{ name: id, shown: id }}
      isDanger={action === 'abort'}
      whyMissing="Say why: it stands in the saga’s journal for whoever asks later."
      onClose={onClose}
      onConfirm={confirm}
    >
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
    </ReasonDialog>
  )
}
