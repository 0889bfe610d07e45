import { formatDuration, plural } from './format.ts'
import type { Stretch } from './path-view.ts'
import { type PlacedLabel, placeLabel } from './row-layout.ts'
import { type Viewport, placeIn } from './time-axis.ts'
import type { SpanNode } from './trace-tree.ts'

/** Pixels from the left edge of the time. */
interface Extent {
  readonly x: number
  readonly width: number
}

/** What is drawn of a span beside its name. */
export interface RowPicture {
  /** Undefined where the span lies outside of the time that is shown: see `outside`. */
  readonly bar: Extent | undefined
  readonly outside: 'before' | 'after' | undefined
  /** While its message was on the way to it. */
  readonly way: Extent | undefined
  /** The part of its bar in which it waited. */
  readonly wait: Extent | undefined
  /** While it was what the answer waited for. Those that would touch on the screen are one. */
  readonly path: readonly Extent[]
  readonly label: DrawnLabel | undefined
  /** `excused`: it did not work and nothing broke, as it was rejected, or repeated with success. */
  readonly fault: 'failed' | 'excused' | undefined
}

interface DrawnLabel {
  readonly text: string
  /** Where it begins, or for `right` where it ends. */
  readonly x: number
  readonly align: 'left' | 'right'
  /** It stands on the bar. */
  readonly isWithin: boolean
}

/** A bar of no length can still be seen. */
const BAR_PX_MIN = 2
const PATH_PX_MIN = 1
const LABEL_GAP_PX = 6

export function rowPicture(
  node: SpanNode,
  { view, timePx, stretches }: { readonly view: Viewport; readonly timePx: number; readonly stretches: readonly Stretch[] | undefined },
): RowPicture {
  const { span, sentUs, waitUs } = node
  const extent = (startUs: number, endUs: number, leastPx: number): Extent | undefined => {
    const place = placeIn(view, startUs, endUs)
    return place && { x: place.left * timePx, width: Math.max(leastPx, place.width * timePx) }
  }
  const bar = extent(span.startUs, span.endUs, BAR_PX_MIN)
  const wayUs = sentUs === undefined ? 0 : span.startUs - sentUs
  const way = wayUs > 0 ? extent(sentUs!, span.startUs, 0) : undefined
  return {
    bar,
    outside: bar !== undefined ? undefined : span.endUs < view.startUs ? 'before' : 'after',
    way,
    wait: waitUs === 0 ? undefined : extent(span.startUs, span.startUs + waitUs, 0),
    path: joined(stretches?.map(({ startUs, endUs }) => extent(startUs, endUs, PATH_PX_MIN)) ?? []),
    label: bar && label({ bar, way, texts: labelTexts(node), timePx }),
    fault: node.isError ? 'failed' : span.error === undefined ? undefined : 'excused',
  }
}

/** The longer first. */
function labelTexts({ span, sentUs }: SpanNode): readonly string[] {
  const duration = formatDuration(span.endUs - span.startUs)
  if (sentUs === undefined || sentUs >= span.startUs) return [duration]
  return [`${duration} after ${formatDuration(span.startUs - sentUs)} on its way`, duration]
}

function label({
  bar,
  way,
  texts,
  timePx,
}: {
  readonly bar: Extent
  readonly way: Extent | undefined
  readonly texts: readonly string[]
  readonly timePx: number
}): DrawnLabel | undefined {
  const leftPx = way?.x ?? bar.x
  const rightPx = bar.x + bar.width
  const placed = placeLabel({ left: leftPx / timePx, bar: bar.x / timePx, right: rightPx / timePx, texts, timePx })
  if (placed === undefined) return undefined
  const { place, text } = placed
  const x: Readonly<Record<PlacedLabel['place'], number>> = {
    behind: rightPx + LABEL_GAP_PX,
    before: leftPx - LABEL_GAP_PX,
    within: rightPx - LABEL_GAP_PX,
  }
  return { text, x: x[place], align: place === 'behind' ? 'left' : 'right', isWithin: place === 'within' }
}

/** A span that waits for thousands of others has thousands of stretches, and its row some hundred pixels. */
function joined(extents: readonly (Extent | undefined)[]): readonly Extent[] {
  const found: { x: number; width: number }[] = []
  for (const extent of extents) {
    if (extent === undefined) continue
    const last = found.at(-1)
    if (last !== undefined && extent.x <= last.x + last.width) last.width = Math.max(last.width, extent.x + extent.width - last.x)
    else found.push({ ...extent })
  }
  return found
}

export function spanText({ span }: SpanNode): string {
  return `${span.service}: ${span.name}, ${formatDuration(span.endUs - span.startUs)}`
}

/** What the pointer is on, `x` pixels from the left edge of the time: for a tooltip. Undefined where there is nothing. */
export function partAt(
  node: SpanNode,
  picture: RowPicture,
  { x, isBelowBar }: { readonly x: number; readonly isBelowBar: boolean },
): string | undefined {
  const { sentUs, span, waitUs } = node
  const isOn = (extent: Extent | undefined): boolean => extent !== undefined && x >= extent.x - 1 && x <= extent.x + extent.width + 1
  const name = spanText(node)
  if (isBelowBar && picture.path.some(isOn)) return `On the critical path. ${name}`
  if (isOn(picture.wait)) return `Waited ${formatDuration(waitUs)}. ${name}`
  if (isOn(picture.bar)) return name
  if (isOn(picture.way)) return `On its way for ${formatDuration(span.startUs - sentUs!)}. ${name}`
  return picture.outside === undefined ? undefined : `${picture.outside === 'before' ? 'Before' : 'After'} the time that is shown. ${name}`
}

const KINDS = {
  unspecified: 'Work of unknown kind',
  internal: 'Work within the service',
  server: 'Handled a request',
  client: 'Called somebody else',
  producer: 'Sent a message',
  consumer: 'Handled a message',
  async: 'Handled a message that its parent sent: the parent did not wait for it',
} as const

/** What the sign of a span's kind, or its chevron, means: for a tooltip. */
export function signText(
  { span, relation, children, descendants }: SpanNode,
  sign: 'kind' | 'chevron',
  isCollapsed: boolean,
): string | undefined {
  if (sign === 'kind') return KINDS[relation === 'async' ? 'async' : span.kind]
  if (children.length === 0) return undefined
  return isCollapsed ? `Show ${plural(descendants, 'span')}` : 'Hide what is below'
}
