import type { JSX } from 'preact'

export function ChoreographyPage(): JSX.Element {
  return <p class="loading">Asking the services…</p>
}
