import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Icon, type IconName } from './icon.tsx'

/** How long it says that it did. */
const SAID_MS = 1_500

/** Puts a text on the clipboard, and says so. */
export function CopyButton({ text, label, icon }: { text: () => string; label: string; icon: IconName }): JSX.Element {
  const said = useSignal<string | undefined>(undefined)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text())
      said.value = 'Copied'
    } catch {
      said.value = 'The browser refused'
    }
    clearTimeout(timer.current)
    timer.current = setTimeout(() => (said.value = undefined), SAID_MS)
  }
  return (
    <button type="button" class="button quiet" onClick={() => void copy()}>
      <Icon name={said.value === 'Copied' ? 'check' : icon} />
      <span aria-live="polite">{said.value ?? label}</span>
    </button>
  )
}
