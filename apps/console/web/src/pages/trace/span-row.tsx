import type { JSX } from 'preact'
import type { TraceView } from '../../state/trace-view.ts'
import { formatDuration, plural } from '../../view-model/format.ts'
import { SIGNS_PX } from '../../view-model/row-layout.ts'
import type { SpanNode } from '../../view-model/trace-tree.ts'
import { Icon } from '../../components/icon.tsx'

interface SpanRowProps {
  readonly node: SpanNode
  readonly view: TraceView
  readonly isActive: boolean
  readonly isOpen: boolean
  readonly isCollapsed: boolean
}

/** One span: its place in the tree and its name. All else of it is drawn, and said in its label. */
export function SpanRow({ node, view, isActive, isOpen, isCollapsed }: SpanRowProps): JSX.Element {
  const { span, parent, position } = node
  const failedBelow = isCollapsed ? node.errorsBelow : 0
  return (
    <div
      id={`span-${span.spanId}`}
      class={`row ${isActive ? 'active' : ''} ${isOpen ? 'open' : ''} ${node.isError ? 'failed' : ''}`}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={isOpen}
      aria-expanded={node.children.length > 0 ? !isCollapsed : undefined}
      aria-setsize={parent?.children.length}
      aria-posinset={parent === undefined ? undefined : position + 1}
      aria-label={label(node, view)}
      style={{ paddingLeft: `${node.depth * view.indentPx.value + SIGNS_PX}px` }}
    >
      {(node.isError || failedBelow > 0) && (
        <span class="row-sign row-error" title={span.error ?? `${plural(failedBelow, 'error')} below`}>
          <Icon name="alert" />
        </span>
      )}
      {node.retried === 'attempt' && (
        <span class="row-sign tag retried" title={`Failed, and was repeated with success: ${span.error ?? ''}`}>
          retried
        </span>
      )}
      {isCollapsed && <span class="row-sign tag">+{node.descendants}</span>}
      {node.relation === 'missing' && (
        <span class="row-sign tag" title={`Its parent ${span.parentSpanId} is not in the trace: not arrived, or not sampled`}>
          parent missing
        </span>
      )}
      {parent?.span.service !== span.service && <b>{span.service} </b>}
      {span.name}
    </div>
  )
}

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
