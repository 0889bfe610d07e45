import type { JSX } from 'preact'
import { colourClass } from '../../state/system.ts'
import { PICTURE, type TrafficPicture } from './traffic-picture.ts'

const MARK_NAMES = { shift: 'shift', rollback: 'rollback', 'automatic-rollback': 'automatic rollback', refused: 'refused' } as const

/** Who answered the requests over time: how the monolith shrinks. What is said in the picture stands in its name too. */
export function TrafficChart({ picture }: { picture: TrafficPicture }): JSX.Element {
  const { bands, marks, labels, monolith } = picture
  const name =
    monolith === undefined
      ? 'Requests by upstream over time'
      : `Requests by upstream over time: the monolith answered ${monolith.first} of them at first, and ${monolith.last} now`
  const kinds = [...new Set(marks.map(({ kind }) => kind))]
  return (
    <figure class="traffic">
      <svg viewBox={`0 0 ${PICTURE.width} ${PICTURE.height}`} preserveAspectRatio="none" role="img" aria-label={name}>
        {bands.map((band) => (
          <path key={band.name} class={`band ${band.isOld ? 'old' : colourClass(band.name)}`} d={band.path}>
            <title>{`${band.name}: ${band.share} of the requests now`}</title>
          </path>
        ))}
        {marks.map(({ x, kind, title }, index) => (
          <g key={index} class={`mark ${kind}`}>
            <title>{title}</title>
            <line class="reach" x1={x} x2={x} y1="0" y2={PICTURE.height} />
            <line class="stroke" x1={x} x2={x} y1="0" y2={PICTURE.height} />
          </g>
        ))}
      </svg>
      <div class="traffic-axis" aria-hidden="true">
        {labels.map((label, index) => (
          <span key={index}>{label}</span>
        ))}
      </div>
      <figcaption>
        <ul class="legend" aria-label="Share of the requests now">
          {bands.map(({ name: upstream, isOld, share }) => (
            <li key={upstream}>
              <span class={`service ${isOld ? 'old' : colourClass(upstream)}`} title={upstream}>
                <span class="swatch" aria-hidden="true" />
                <span class="truncate">{upstream}</span>
              </span>
              <span class="count">{share}</span>
            </li>
          ))}
          {kinds.map((kind) => (
            <li key={kind} class="sign">
              <span class={`sign-mark ${kind}`} aria-hidden="true" />
              {MARK_NAMES[kind]}
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  )
}
