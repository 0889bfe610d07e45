import type { JSX } from 'preact'
import { follow } from '../../state/location.ts'
import { routeUrl } from '../registry.ts'
import { stepCondition } from '../../view-model/saga.ts'
import type { GraphNode, SagaGraph } from '../../view-model/saga-graph.ts'
import { Icon, type IconName } from '../../components/icon.tsx'

const NOT_BEGUN = { tone: 'none', text: 'not begun', title: 'Not begun' } as const
const ICONS: Readonly<Record<string, IconName>> = { ok: 'check', warn: 'clock', error: 'alert', quiet: 'dash' }

/** The declared graph of a saga, with how each of its steps stands. The table of steps below says the same in words. */
export function SagaGraphView({ graph, service }: { graph: SagaGraph; service: string }): JSX.Element {
  const { width, height, nodes, frames, edges, begin, end } = graph
  return (
    <div class="saga-graph" tabIndex={0} role="group" aria-label="The declared steps, from left to right">
      <div class="saga-graph-sheet" style={{ width: `${width}px`, height: `${height}px` }}>
        {frames.map(({ key, label, x, y, width: w, height: h }) => (
          <div key={key} class="graph-frame" style={{ left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` }}>
            <span class="truncate" title={label}>
              {label}
            </span>
          </div>
        ))}
        <svg class="graph-edges" width={width} height={height} aria-hidden="true">
          {edges.map((d) => (
            <path key={d} d={d} />
          ))}
          <circle cx={begin.x - 6} cy={begin.y} r={6} class="graph-begin" />
          <circle cx={end.x + 7} cy={end.y} r={6} class="graph-end" />
        </svg>
        {nodes.map((node) => (
          <Node key={node.key} node={node} service={service} />
        ))}
      </div>
    </div>
  )
}

function Node({ node, service }: { node: GraphNode; service: string }): JSX.Element {
  const { name, note, state, count, childId, isPivot, x, y, width, height } = node
  const { tone, text, title } = state === undefined ? NOT_BEGUN : stepCondition(state)
  const icon = ICONS[tone]
  const child = childId === undefined ? undefined : ({ page: 'saga', service, id: childId } as const)
  return (
    <div
      class={`graph-node ${tone} ${isPivot ? 'pivot' : ''}`}
      style={{ left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` }}
      title={`${name}: ${text}. ${title}${note === '' ? '' : `\n${note}`}`}
    >
      {icon === undefined ? <span class="graph-blank" /> : <Icon name={icon} />}
      <span class="graph-text">
        <span class="truncate strong">
          {child === undefined ? (
            name
          ) : (
            <a href={routeUrl(child)} onClick={(event) => follow(event, child)}>
              {name}
            </a>
          )}
        </span>
        <span class="truncate muted">
          <span class="hidden">{text}. </span>
          {count ?? note}
        </span>
      </span>
    </div>
  )
}
