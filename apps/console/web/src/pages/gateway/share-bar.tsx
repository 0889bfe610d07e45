import type { JSX } from 'preact'

/** How much of a route has moved: as a bar, and in words. */
export function ShareBar({ percent }: { percent: number }): JSX.Element {
  return (
    <span class="share">
      <span class="share-track" aria-hidden="true">
        <span class="share-moved" style={{ width: `${percent}%` }} />
      </span>
      <span class="share-text">{percent} %</span>
    </span>
  )
}
