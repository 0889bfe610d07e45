import type { JSX } from 'preact'
import { Icon, type IconName } from '../../components/icon.tsx'

type Tone = 'ok' | 'warn' | 'error' | 'quiet'

const STATES: Readonly<Record<string, { tone: Tone; icon: IconName; text: string; title: string }>> = {
  ready: { tone: 'ok', icon: 'check', text: 'ready', title: 'Receives work' },
  starting: { tone: 'warn', icon: 'clock', text: 'starting', title: 'Started, and not ready for the first time yet' },
  'not-ready': { tone: 'error', icon: 'alert', text: 'not ready', title: 'Was ready, and says no more that it is' },
  'backing-off': { tone: 'error', icon: 'clock', text: 'backing off', title: 'Ended by itself; its next start is waiting' },
  stopping: { tone: 'quiet', icon: 'clock', text: 'stopping', title: 'Finishes its work' },
  stopped: { tone: 'quiet', icon: 'dash', text: 'stopped', title: 'Was stopped on purpose' },
  failed: { tone: 'error', icon: 'alert', text: 'failed', title: 'Ended too often before it was ready; restart it by hand' },
}

/** How much a state should trouble whoever looks. */
export function stateTone(state: string): Tone {
  return STATES[state]?.tone ?? 'quiet'
}

/** The state of an instance: by words and a sign first, by colour second. */
export function StateBadge({ state }: { state: string }): JSX.Element {
  const { tone, icon, text, title } = STATES[state] ?? { tone: 'quiet', icon: 'dash', text: state, title: state }
  return (
    <span class={`badge ${tone}`} title={title}>
      <Icon name={icon} />
      {text}
    </span>
  )
}
