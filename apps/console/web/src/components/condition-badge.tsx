import type { JSX } from 'preact'
import type { Condition, Tone } from '../view-model/messages.ts'
import { Icon, type IconName } from './icon.tsx'

const ICONS: Readonly<Record<Tone, IconName>> = { ok: 'check', warn: 'clock', error: 'alert', quiet: 'dash' }

/** How a relay, a consumer or a key does: by words and a sign first, by colour second. */
export function ConditionBadge({ condition: { tone, text, title } }: { condition: Condition }): JSX.Element {
  return (
    <span class={`badge ${tone}`} title={title}>
      <Icon name={ICONS[tone]} />
      {text}
    </span>
  )
}
