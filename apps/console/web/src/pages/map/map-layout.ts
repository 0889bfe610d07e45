import { graphlib, layout } from '@dagrejs/dagre'
import type { Edge } from '../../../../src/map/edge-window.ts'
import type { Place } from '../../../../src/map/call-matcher.ts'
import { type PlaceKind, edgeId, placeKind, placeName, shortName } from '../../view-model/place.ts'

export interface PlacedNode {
  readonly id: Place
  readonly kind: PlaceKind
  readonly name: string
  /** Of its centre. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface PlacedEdge {
  readonly id: string
  readonly caller: Place
  readonly callee: Place
  /** Of an SVG path, from place to place. */
  readonly path: string
  /** Where its figures stand. */
  readonly x: number
  readonly y: number
}

export interface MapLayout {
  readonly width: number
  readonly height: number
  readonly nodes: readonly PlacedNode[]
  readonly edges: readonly PlacedEdge[]
}

const NODE_HEIGHT = 36
const CHARACTER_WIDTH = 7.8
export const LABEL_WIDTH = 96
export const LABEL_HEIGHT = 30
const MARGIN = 20

/**
 * Where everything stands: by layers from left to right, in the direction of the calls (dagre, after Gansner and others, "A technique for drawing
 * directed graphs"). The same pairs give the same picture, whatever their figures are.
 */
export function mapLayout(edges: readonly Pick<Edge, 'caller' | 'callee'>[]): MapLayout {
  const graph = new graphlib.Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 22, ranksep: 28, edgesep: 12, marginx: MARGIN, marginy: MARGIN })
  const ids = [...new Set(edges.flatMap(({ caller, callee }) => [caller, callee]))].toSorted()
  for (const id of ids) graph.setNode(id, { width: nodeWidth(placeName(id)), height: NODE_HEIGHT })
  const pairs = edges
    .map(({ caller, callee }) => ({ caller, callee, id: edgeId(caller, callee) }))
    .toSorted((one, other) => (one.id < other.id ? -1 : 1))
  for (const { caller, callee } of pairs) graph.setEdge(caller, callee, { width: LABEL_WIDTH, height: LABEL_HEIGHT, labelpos: 'c' })
  if (ids.length === 0) return { width: 0, height: 0, nodes: [], edges: [] }
  layout(graph)
  const size = graph.graph() as { width: number; height: number }
  return {
    width: size.width,
    height: size.height,
    nodes: ids.map((id) => {
      const { x, y, width, height } = graph.node(id) as { x: number; y: number; width: number; height: number }
      return { id, kind: placeKind(id), name: placeName(id), x, y, width, height }
    }),
    edges: pairs.map(({ caller, callee, id }) => {
      const { points, x, y } = graph.edge(caller, callee) as { points: readonly Point[]; x: number; y: number }
      return { id, caller, callee, path: curve(points), x, y }
    }),
  }
}

function nodeWidth(name: string): number {
  return 40 + Math.max(5, shortName(name).length) * CHARACTER_WIDTH
}

interface Point {
  readonly x: number
  readonly y: number
}

/** A line through the middles between the points, rounded at the points themselves. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  const last = rest.at(-1) ?? first
  const at = ({ x, y }: Point) => `${x.toFixed(1)} ${y.toFixed(1)}`
  const middle = (one: Point, other: Point) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 })
  const parts = rest.slice(0, -1).map((point, index) => `Q${at(point)} ${at(middle(point, rest[index + 1]!))}`)
  return [`M${at(first)}`, ...parts, `L${at(last)}`].join(' ')
}
