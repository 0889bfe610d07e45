import { formatDuration } from './format.ts'
import { CHARACTER_PX } from './row-layout.ts'

/** The part of a trace that is shown, in microseconds from its beginning. */
export interface Viewport {
  readonly startUs: number
  readonly endUs: number
}

export interface Tick {
  readonly atUs: number
  /** Place on the axis, 0 to 1. */
  readonly at: number
  readonly label: string
}

/** A trace of no length still needs an axis. */
const SPAN_US_MIN = 1

/** At most `count` + 1 ticks at round times: 1, 2 or 5 times a power of ten, so that labels are short and can be compared. */
export function timeTicks(view: Viewport, count: number): readonly Tick[] {
  const lengthUs = Math.max(SPAN_US_MIN, view.endUs - view.startUs)
  const stepUs = roundStep(lengthUs / Math.max(1, count))
  const ticks: Tick[] = []
  for (let index = Math.ceil(view.startUs / stepUs - 1e-9); index * stepUs <= view.endUs + stepUs * 1e-9; index++) {
    const atUs = index * stepUs
    ticks.push({ atUs, at: (atUs - view.startUs) / lengthUs, label: atUs === 0 ? '0' : formatDuration(atUs, stepUs) })
  }
  return ticks
}

export interface LabelledTick extends Tick {
  /** On which side of its line the label has room; undefined where it has none. */
  readonly side: 'right' | 'left' | undefined
}

const TICK_PADDING_PX = 8

/** Where labels have room: to the right of their lines, at the end to the left; one that would run into the last is left out. */
export function labelledTicks(ticks: readonly Tick[], timePx: number): readonly LabelledTick[] {
  let usedPx = 0
  return ticks.map((tick) => {
    const widthPx = tick.label.length * CHARACTER_PX + TICK_PADDING_PX
    const linePx = tick.at * timePx
    const side = linePx + widthPx <= timePx ? 'right' : 'left'
    const fromPx = side === 'right' ? linePx : linePx - widthPx
    if (fromPx < usedPx) return { ...tick, side: undefined }
    usedPx = fromPx + widthPx
    return { ...tick, side }
  })
}

/** The smallest round step that is not below `least`. */
export function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  for (const factor of [1, 2, 5]) if (factor * power >= least * (1 - 1e-9)) return factor * power
  return 10 * power
}

/** Where an interval lies in the view: fractions of its width, cut off at its edges. Undefined when it lies outside. */
export function placeIn(view: Viewport, startUs: number, endUs: number): { readonly left: number; readonly width: number } | undefined {
  const lengthUs = Math.max(SPAN_US_MIN, view.endUs - view.startUs)
  if (endUs < view.startUs || startUs > view.endUs) return undefined
  const left = Math.max(0, (startUs - view.startUs) / lengthUs)
  const right = Math.min(1, (endUs - view.startUs) / lengthUs)
  return { left, width: Math.max(0, right - left) }
}

/** A view around an interval, with some room at both sides, within the trace. */
export function viewAround(startUs: number, endUs: number, durationUs: number): Viewport {
  const roomUs = Math.max((endUs - startUs) * 0.08, durationUs * 0.001)
  return { startUs: Math.max(0, startUs - roomUs), endUs: Math.min(Math.max(durationUs, SPAN_US_MIN), endUs + roomUs) }
}
