import type { JSX } from 'preact'
import { follow } from '../../state/location.ts'
import { colourClass } from '../../state/system.ts'
import { LABEL_HEIGHT, LABEL_WIDTH, type MapLayout, type PlacedEdge, type PlacedNode } from './map-layout.ts'
import { type PlaceKind, shortName } from '../../view-model/place.ts'
import type { MapView } from './route.ts'
import { NO_FILTER } from '../traces/route.ts'
import { routeUrl } from '../registry.ts'
import type { EdgeView } from './service-map.ts'
import { type IconName, PATHS } from '../../components/icon.tsx'

const ICONS: Readonly<Record<PlaceKind, IconName>> = {
  service: 'server',
  database: 'database',
  topic: 'topic',
  external: 'outside',
  outside: 'outside',
}
/** A picture that is a little too wide is drawn smaller; one that is much too wide is scrolled. */
const SCALE_MIN = 0.75
const KIND_TEXT: Readonly<Record<PlaceKind, string>> = {
  service: 'Service',
  database: 'Database',
  topic: 'Topic',
  external: 'Sends no spans',
  outside: 'Whoever calls the system',
}

/** The map. Each pair is a link to its calls, each service one to its traces; the table below says the same in words. */
export function ServiceGraph(props: {
  layout: MapLayout
  edges: readonly EdgeView[]
  chosen: string | undefined
  view: MapView
}): JSX.Element {
  const { layout, edges, chosen, view } = props
  const byId = new Map(edges.map((edge) => [edge.id, edge]))
  // What is chosen is drawn last, and so above what crosses it.
  const order = layout.edges.toSorted((one, other) => Number(one.id === chosen) - Number(other.id === chosen))
  const { width, height } = layout
  return (
    <svg
      class="service-graph"
      viewBox={`0 0 ${width} ${height}`}
      style={{ width: `${width}px`, minWidth: `${width * SCALE_MIN}px` }}
      role="group"
      aria-label="Who calls whom"
    >
      <defs>
        {(['quiet', 'warn', 'error', 'chosen'] as const).map((tone) => (
          <marker
            key={tone}
            id={`arrow-${tone}`}
            class={`arrow ${tone}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0 8 4 0 8z" />
          </marker>
        ))}
      </defs>
      {order.map((placed) => {
        const edge = byId.get(placed.id)
        return edge && <Call key={placed.id} placed={placed} edge={edge} isChosen={placed.id === chosen} view={view} />
      })}
      {layout.nodes.map((node) => (
        <Node key={node.id} node={node} />
      ))}
    </svg>
  )
}

function Call(props: { placed: PlacedEdge; edge: EdgeView; isChosen: boolean; view: MapView }): JSX.Element {
  const { placed, edge, isChosen, view } = props
  const { caller, callee, callerName, calleeName, breaker, rate, errors, p95, tone, weight } = edge
  const to = { page: 'map', view: { ...view, edge: { caller, callee } } } as const
  // A closed one is what everybody expects.
  const isGuardTold = breaker !== undefined && !breaker.text.startsWith('closed') && breaker.tone !== 'quiet'
  const words = [
    `${callerName} calls ${calleeName}: ${rate}`,
    errors && `${errors} failed`,
    `p95 ${p95}`,
    breaker && `breaker ${breaker.text}`,
  ]
  const title = words.filter(Boolean).join(', ')
  return (
    <a
      href={routeUrl(to)}
      class={`call ${tone} ${isChosen ? 'chosen' : ''}`}
      aria-label={title}
      aria-current={isChosen ? 'true' : undefined}
      data-edge={edge.id}
      onClick={(event) => follow(event, to)}
    >
      <title>{title}</title>
      <path class="reach" d={placed.path} />
      <path class="line" d={placed.path} stroke-width={weight} marker-end={`url(#arrow-${isChosen ? 'chosen' : tone})`} />
      <g transform={`translate(${placed.x - LABEL_WIDTH / 2} ${placed.y - LABEL_HEIGHT / 2})`}>
        <rect class="label" width={LABEL_WIDTH} height={LABEL_HEIGHT} rx="4" />
        <text x={LABEL_WIDTH / 2} y="12" text-anchor="middle">
          {rate}
          {errors !== undefined && <tspan class={tone === 'error' ? 'error-fill' : 'warn-fill'}>{` · ${errors}`}</tspan>}
        </text>
        <text x={LABEL_WIDTH / 2} y="25" text-anchor="middle" class={isGuardTold ? `${breaker.tone}-fill` : 'muted-fill'}>
          {isGuardTold ? `breaker ${breaker.text.split(' ')[0]}` : `p95 ${p95}`}
        </text>
      </g>
    </a>
  )
}

function Node({ node }: { node: PlacedNode }): JSX.Element {
  const { kind, name, x, y, width, height } = node
  const content = (
    <g class={`place ${kind} ${kind === 'service' ? colourClass(name) : ''}`} transform={`translate(${x - width / 2} ${y - height / 2})`}>
      <title>{`${KIND_TEXT[kind]}: ${name}`}</title>
      <rect width={width} height={height} rx={kind === 'service' ? 4 : height / 2} />
      <g transform={`translate(10 ${height / 2 - 8})`}>
        <path class="sign" d={PATHS[ICONS[kind]]} />
      </g>
      <text x="32" y={height / 2 + 4.5}>
        {shortName(name)}
      </text>
    </g>
  )
  if (kind !== 'service') return content
  const to = { page: 'traces', filter: { ...NO_FILTER, service: name } } as const
  return (
    <a href={routeUrl(to)} class="place-link" aria-label={`Traces of ${name}`} onClick={(event) => follow(event, to)}>
      {content}
    </a>
  )
}
