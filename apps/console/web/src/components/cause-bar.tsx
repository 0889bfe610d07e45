import type { JSX } from 'preact'
import { formatDuration, formatShare } from '../view-model/format.ts'
import { CAUSE_TEXT, type ShownPart } from '../view-model/verdict-view.ts'

/** Parts that are too narrow to be seen are in the legend all the same. */
export function CauseBar({ parts, durationUs }: { parts: readonly ShownPart[]; durationUs: number }): JSX.Element {
  const label = parts.map(({ cause, us }) => `${CAUSE_TEXT[cause].name} ${formatShare(us, durationUs)}`).join(', ')
  return (
    <div class="cause-bar" role="img" aria-label={label}>
      {parts.map(({ cause, us, ratio, rank }) => (
        <span
          key={cause}
          class={toneOf(cause, rank)}
          style={{ width: `${ratio * 100}%` }}
          title={`${CAUSE_TEXT[cause].name}: ${formatDuration(us)}`}
        />
      ))}
    </div>
  )
}

/** The parts by name. One that leads to a span is a button. */
export function CauseLegend({
  parts,
  durationUs,
  onShow,
}: {
  parts: readonly ShownPart[]
  durationUs: number
  onShow?: (spanId: string) => void
}): JSX.Element {
  return (
    <ul class="cause-legend">
      {parts.map(({ cause, us, rank, spanId }) => {
        const text = (
          <>
            <span class={`cause-swatch ${toneOf(cause, rank)}`} aria-hidden="true" />
            <span>{CAUSE_TEXT[cause].name}</span>
            <span class="count">
              {formatDuration(us)} · {formatShare(us, durationUs)}
            </span>
          </>
        )
        const { meaning } = CAUSE_TEXT[cause]
        return (
          <li key={cause} title={spanId === undefined ? meaning : `${meaning}. To the span with the most of it`}>
            {spanId === undefined || onShow === undefined ? (
              <span class="cause">{text}</span>
            ) : (
              <button type="button" class="cause" onClick={() => onShow(spanId)}>
                {text}
              </button>
            )}
          </li>
        )
      })}
    </ul>
  )
}

function toneOf(cause: ShownPart['cause'], rank: ShownPart['rank']): string {
  return cause === 'unexplained' ? 'tone-unknown' : `tone-${rank}`
}
