import type { JSX } from 'preact'
import { Icon } from './icon.tsx'

/** What became of what a person asked for last. */
export type OrderState =
  | { readonly kind: 'working'; readonly text: string }
  | { readonly kind: 'over'; readonly text: string; readonly isGood: boolean }

/** What the last order came to; it stays until somebody has read it. */
export function OrderResult({ state, onClose }: { state: OrderState | undefined; onClose: () => void }): JSX.Element {
  return (
    <div role="status" class="result-frame">
      {state?.kind === 'working' && <p class="result">{state.text}</p>}
      {state?.kind === 'over' && (
        <p class={`result ${state.isGood ? 'good' : 'bad'}`}>
          <Icon name={state.isGood ? 'check' : 'alert'} />
          <span>{state.text}</span>
          <button type="button" class="icon-button" aria-label="Close the result" title="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </p>
      )}
    </div>
  )
}
