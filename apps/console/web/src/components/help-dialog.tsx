import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { LINKS } from '../pages/registry.ts'
import { isHelpOpen } from '../state/help.ts'

const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['?'], 'This help'],
  ...LINKS.map(({ key, title }) => [['g', key], `Go to ${title}`] as const),
  [['/'], 'Search traces, or logs'],
  [['↑', '↓'], 'Previous, next row'],
  [['→', '←'], 'Open, close a span; to its child, its parent'],
  [['Enter'], 'Open the row: a trace, a saga, a dead letter, or a span’s details; again: close them'],
  [['e'], 'To the next span that failed or was rejected'],
  [['p'], 'To the span that took most of the critical path; again: the next'],
  [['w'], 'To the span that most of the time went to, by cause; again: the next'],
  [['z'], 'Zoom to the span; again: the whole trace'],
  [['Esc'], 'Clear the search; close details, or this help'],
]

/** Keys, for those who forgot them. */
export function HelpDialog(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useSignalEffect(() => {
    if (isHelpOpen.value) dialog.current?.showModal()
    else dialog.current?.close()
  })
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (isHelpOpen.value = false)} onClick={closeOutside}>
      <div class="help-body">
        <h2 id="help-title">Keys</h2>
        <dl>
          {KEYS.map(([keys, what]) => (
            <div key={what}>
              <dt>
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <button type="button" class="button" onClick={() => (isHelpOpen.value = false)}>
          Close
        </button>
      </div>
    </dialog>
  )
}

function closeOutside(event: MouseEvent): void {
  if (event.target === event.currentTarget) isHelpOpen.value = false
}
