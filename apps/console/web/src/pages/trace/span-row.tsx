import type { JSX } from 'preact'
import { colourClass } from '../../state/system.ts'
import type { TraceView } from '../../state/trace-view.ts'
import { formatDuration, plural } from '../../view-model/format.ts'
import type { SpanNode } from '../../view-model/trace-tree.ts'
import { Icon } from '../../components/icon.tsx'

interface SpanRowProps {
  readonly node: SpanNode
  readonly view: TraceView
  readonly isActive: boolean
  readonly isOpen: boolean
  readonly isCollapsed: boolean
}

/** One span: its place in the tree and its name. Its time is drawn beside it, and said in its label. */
export function SpanRow({ node, view, isActive, isOpen, isCollapsed }: SpanRowProps): JSX.Element {
  const { span, parent, position } = node
  const hasChildren = node.children.length > 0
  const failedBelow = isCollapsed ? node.errorsBelow : 0
  return (
    <div
      id={`span-${span.spanId}`}
      class={`row ${colourClass(span.service)} ${isActive ? 'active' : ''} ${isOpen ? 'open' : ''} ${node.isError ? 'failed' : ''}`}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={isOpen}
      aria-expanded={hasChildren ? !isCollapsed : undefined}
      aria-setsize={parent?.children.length}
      aria-posinset={parent === undefined ? undefined : position + 1}
      aria-label={label(node, view)}
      style={{ paddingLeft: `${node.depth * view.indentPx.value}px` }}
    >
      <span
        class={`chevron ${hasChildren ? (isCollapsed ? 'collapsed' : 'expanded') : ''}`}
        title={hasChildren ? (isCollapsed ? `Show ${plural(node.descendants, 'span')}` : 'Hide what is below') : undefined}
      />
      <span class="kind" title={KIND_TITLES[node.relation === 'async' ? 'async' : span.kind]}>
        <Icon name={span.kind} />
      </span>
      {parent?.span.service !== span.service && <span class="row-service">{span.service}</span>}
      <span class="row-operation" title={`${span.service}: ${span.name}`}>
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

function label({ span, sentUs, waitUs, relation, retried }: SpanNode, { path }: TraceView): string {
  const parts = [`${span.service}: ${span.name}`, formatDuration(span.endUs - span.startUs)]
  if (sentUs !== undefined) parts.push(`asynchronous, ${formatDuration(span.startUs - sentUs)} on its way`)
  if (waitUs > 0) parts.push(`waited ${formatDuration(waitUs)}`)
  const pathUs = path.value?.usOf.get(span.spanId)
  if (pathUs !== undefined) parts.push(`${formatDuration(pathUs)} of the critical path`)
  if (relation === 'missing') parts.push('its parent is missing')
  if (span.error !== undefined) parts.push(`${retried === undefined ? span.outcome : 'failed and was repeated'}: ${span.error}`)
  return parts.join(', ')
}
