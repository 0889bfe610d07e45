import type { JSX } from 'preact'
import { colourClass } from '../../state/system.ts'
import type { TraceView } from '../../state/trace-view.ts'
import { formatDuration, plural } from '../../view-model/format.ts'
import { placeLabel } from '../../view-model/row-layout.ts'
import { placeIn } from '../../view-model/time-axis.ts'
import type { SpanNode } from '../../view-model/trace-tree.ts'
import { Icon } from '../../components/icon.tsx'

interface SpanRowProps {
  readonly node: SpanNode
  readonly view: TraceView
  readonly isActive: boolean
  readonly isOpen: boolean
  readonly isCollapsed: boolean
  readonly onToggle: () => void
  readonly onOpen: () => void
}

/** One span: its place in the tree on the left, its time on the right. */
export function SpanRow({ node, view, isActive, isOpen, isCollapsed, onToggle, onOpen }: SpanRowProps): JSX.Element {
  const { span } = node
  const hasChildren = node.children.length > 0
  const failedBelow = isCollapsed ? node.errorsBelow : 0
  const siblings = node.parent?.children
  return (
    <div
      id={`span-${span.spanId}`}
      class={`row ${colourClass(span.service)} ${isActive ? 'active' : ''} ${isOpen ? 'open' : ''} ${faultClass(node)} ${node.relation} ${view.path.value?.stretches.has(span.spanId) === true ? 'on-path' : ''}`}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={isOpen}
      aria-expanded={hasChildren ? !isCollapsed : undefined}
      aria-setsize={siblings?.length}
      aria-posinset={siblings === undefined ? undefined : siblings.indexOf(node) + 1}
      aria-label={label(node, view)}
      onClick={onOpen}
    >
      <div class="row-name" style={{ paddingLeft: `${node.depth * view.indentPx.value}px` }}>
        {hasChildren ? (
          <span
            class={`chevron ${isCollapsed ? '' : 'expanded'}`}
            title={isCollapsed ? `Show ${plural(node.descendants, 'span')}` : 'Hide what is below'}
            onClick={(event) => {
              event.stopPropagation()
              onToggle()
            }}
          >
            <Icon name="chevron" />
          </span>
        ) : (
          <span class="chevron" />
        )}
        <span class="kind" title={KIND_TITLES[node.relation === 'async' ? 'async' : span.kind]}>
          <Icon name={span.kind} />
        </span>
        {node.parent?.span.service !== span.service && <span class="row-service">{span.service}</span>}
        <span class="row-operation truncate" title={`${span.service}: ${span.name}`}>
          {span.name}
        </span>
        {node.relation === 'missing' && (
          <span class="tag" title={`Its parent ${span.parentSpanId} is not in the trace: not arrived, or not sampled`}>
            parent missing
          </span>
        )}
        {isCollapsed && <span class="tag">+{node.descendants}</span>}
        {node.retried === 'attempt' && (
          <span class="tag retried" title={`Failed, and was repeated with success: ${span.error ?? ''}`}>
            retried
          </span>
        )}
        {(node.isError || failedBelow > 0) && (
          <span class="row-error" title={span.error ?? `${plural(failedBelow, 'error')} below`}>
            <Icon name="alert" />
          </span>
        )}
      </div>
      <div class="row-time">
        {view.ticks.value.map((tick) => (
          <span key={tick.atUs} class="gridline" style={{ left: `${tick.at * 100}%` }} />
        ))}
        <Bars node={node} view={view} />
      </div>
    </div>
  )
}

const KIND_TITLES = {
  unspecified: 'Work of unknown kind',
  internal: 'Work within the service',
  server: 'Handled a request',
  client: 'Called somebody else',
  producer: 'Sent a message',
  consumer: 'Handled a message',
  async: 'Handled a message that its parent sent: the parent did not wait for it',
} as const

/** The bar, what was waited in it, and before it the time that its message was on the way. */
function Bars({ node, view: traceView }: { node: SpanNode; view: TraceView }): JSX.Element {
  const { view, size } = traceView
  const { span, sentUs, waitUs } = node
  const duration = formatDuration(span.endUs - span.startUs)
  const bar = placeIn(view.value, span.startUs, span.endUs)
  const wayUs = sentUs === undefined ? 0 : span.startUs - sentUs
  const way = wayUs > 0 ? placeIn(view.value, sentUs!, span.startUs) : undefined
  const wait = waitUs === 0 ? undefined : placeIn(view.value, span.startUs, span.startUs + waitUs)
  return (
    <>
      {way !== undefined && <span class="way" style={across(way)} title={`On its way for ${formatDuration(wayUs)}`} />}
      {bar !== undefined && <span class="span-bar" style={across(bar)} />}
      <PathStretches spanId={span.spanId} view={traceView} />
      {wait !== undefined && <span class="wait" style={across(wait)} title={`Waited ${formatDuration(waitUs)}`} />}
      {bar === undefined ? (
        <Outside isBefore={span.endUs < view.value.startUs} />
      ) : (
        <BarLabel
          left={way?.left ?? bar.left}
          bar={bar.left}
          right={bar.left + bar.width}
          texts={way === undefined ? [duration] : [`${duration} after ${formatDuration(wayUs)} on its way`, duration]}
          timePx={size.value.timePx}
        />
      )}
    </>
  )
}

/** Under the bar: when the span itself was what the answer waited for. */
function PathStretches({ spanId, view: { path, view } }: { spanId: string; view: TraceView }): JSX.Element {
  return (
    <>
      {path.value?.stretches.get(spanId)?.map(({ startUs, endUs }) => {
        const place = placeIn(view.value, startUs, endUs)
        return (
          place && <span key={startUs} class="path" style={across(place)} title={`Critical path: ${formatDuration(endUs - startUs)}`} />
        )
      })}
    </>
  )
}

function Outside({ isBefore }: { isBefore: boolean }): JSX.Element {
  return (
    <span class={`outside ${isBefore ? 'before' : 'after'}`} title={`${isBefore ? 'Before' : 'After'} the time that is shown`}>
      {isBefore ? '←' : '→'}
    </span>
  )
}

function BarLabel(props: { left: number; bar: number; right: number; texts: readonly string[]; timePx: number }): JSX.Element | null {
  const label = placeLabel(props)
  if (label === undefined) return null
  const { left, right } = props
  const { place, text } = label
  const style = place === 'behind' ? { left: `${right * 100}%` } : { right: `${(1 - (place === 'before' ? left : right)) * 100}%` }
  return (
    <span class={`bar-label ${place}`} style={style}>
      {text}
    </span>
  )
}

function across({ left, width }: { left: number; width: number }): Readonly<Record<string, string>> {
  return { left: `${left * 100}%`, width: `${width * 100}%` }
}

function faultClass({ span, isError }: SpanNode): string {
  return isError ? 'failed' : span.error === undefined ? '' : 'excused'
}

function label({ span, sentUs, relation, retried }: SpanNode, { path }: TraceView): string {
  const parts = [`${span.service}: ${span.name}`, formatDuration(span.endUs - span.startUs)]
  if (sentUs !== undefined) parts.push(`asynchronous, ${formatDuration(span.startUs - sentUs)} on its way`)
  const pathUs = path.value?.usOf.get(span.spanId)
  if (pathUs !== undefined) parts.push(`${formatDuration(pathUs)} of the critical path`)
  if (relation === 'missing') parts.push('its parent is missing')
  if (span.error !== undefined) parts.push(`${retried === undefined ? span.outcome : 'failed and was repeated'}: ${span.error}`)
  return parts.join(', ')
}
