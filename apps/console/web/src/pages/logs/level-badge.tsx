import type { JSX } from 'preact'
import type { ShownLog } from '../../../../src/http/answers.ts'
import { Icon, type IconName } from '../../components/icon.tsx'

const LEVELS: Readonly<Record<ShownLog['level'], { tone: 'error' | 'warn' | 'quiet'; icon: IconName | undefined }>> = {
  fatal: { tone: 'error', icon: 'alert' },
  error: { tone: 'error', icon: 'alert' },
  warn: { tone: 'warn', icon: 'alert' },
  info: { tone: 'quiet', icon: undefined },
  debug: { tone: 'quiet', icon: undefined },
  trace: { tone: 'quiet', icon: undefined },
  unknown: { tone: 'quiet', icon: undefined },
}

/** How much a record should trouble whoever reads it. What is usual has no sign, so that the others are seen. */
export function LevelBadge({ level }: { level: ShownLog['level'] }): JSX.Element {
  const { tone, icon } = LEVELS[level]
  if (icon === undefined) return <span class="muted">{level}</span>
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon} />
      {level}
    </span>
  )
}
