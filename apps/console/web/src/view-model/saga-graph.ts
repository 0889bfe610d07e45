import type { SagaDetails, ShownStep } from '@seaworthy/supervisor/management'
import type { DeclaredStep, StepState } from 'seaworthy/saga'
import { plural } from './format.ts'

/** A declared step where it is drawn, with how it stands. */
export interface GraphNode {
  readonly key: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly name: string
  /** What is special about it. */
  readonly note: string
  readonly isPivot: boolean
  /** Undefined before it began. */
  readonly state: StepState | undefined
  /** Of a step inside of a `forEach`: how many of its items are done. */
  readonly count: string | undefined
  /** The saga that it is, once it began. */
  readonly childId: string | undefined
}

/** What stands around the steps of a block. */
interface GraphFrame {
  readonly key: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly label: string
}

export interface SagaGraph {
  readonly width: number
  readonly height: number
  readonly nodes: readonly GraphNode[]
  readonly frames: readonly GraphFrame[]
  /** As `d` of an SVG path. */
  readonly edges: readonly string[]
  /** The first and the last point. */
  readonly begin: Point
  readonly end: Point
}

interface Point {
  readonly x: number
  readonly y: number
}

const NODE_HEIGHT = 44
const NODE_WIDTH_MIN = 112
const NODE_WIDTH_MAX = 220
/** Of a character, about. */
const NAME_WIDTH = 8
const NOTE_WIDTH = 6.5
const GAP_X = 30
const GAP_Y = 14
const PAD = 14
const TITLE_HEIGHT = 22
const END_WIDTH = 18
const MARGIN = 2

/** A box that may be anywhere: its size, at which height its line goes in and out, and how it is drawn at a place. */
interface Box {
  readonly width: number
  readonly height: number
  readonly portY: number
  readonly draw: (at: Point) => void
}

/** The declared graph from left to right. Blocks are frames around their steps; a line goes into each box in the middle of its left side, and out on its right. */
export function sagaGraph(outline: readonly DeclaredStep[], { id, steps }: Pick<SagaDetails, 'id' | 'steps'>): SagaGraph {
  const nodes: GraphNode[] = []
  const frames: GraphFrame[] = []
  const edges: string[] = []
  const byName = new Map<string, ShownStep[]>()
  for (const step of steps) {
    const declared = step.step.replace(/(\[\d+\])+$/, '')
    byName.set(declared, [...(byName.get(declared) ?? []), step])
  }

  function nodeBox(step: DeclaredStep): Box {
    const { name, kind } = step
    const note = noteOf(step)
    const width = Math.min(NODE_WIDTH_MAX, Math.max(NODE_WIDTH_MIN, Math.max(name.length * NAME_WIDTH, note.length * NOTE_WIDTH) + 48))
    return {
      width,
      height: NODE_HEIGHT,
      portY: NODE_HEIGHT / 2,
      draw({ x, y }) {
        const found = byName.get(name) ?? []
        const isMany = found.length > 1
        nodes.push({
          key: name,
          x,
          y,
          width,
          height: NODE_HEIGHT,
          name,
          note,
          isPivot: kind === 'pivot',
          state: worstOf(found),
          count: isMany ? `${found.filter(({ state }) => state === 'done').length} of ${found.length}` : undefined,
          childId: kind === 'child' && found.length === 1 ? `${id}/${encodeURIComponent(found[0]!.step)}` : undefined,
        })
      },
    }
  }

  function lineBox(line: readonly DeclaredStep[]): Box {
    const boxes = line.map(boxOf)
    const portY = Math.max(0, ...boxes.map((box) => box.portY))
    const width = boxes.reduce((sum, box) => sum + box.width, 0) + GAP_X * Math.max(0, boxes.length - 1)
    return {
      width,
      height: portY + Math.max(0, ...boxes.map((box) => box.height - box.portY)),
      portY,
      draw({ x, y }) {
        let left = x
        for (const [index, box] of boxes.entries()) {
          if (index > 0) edges.push(edge({ x: left - GAP_X, y: y + portY }, { x: left, y: y + portY }))
          box.draw({ x: left, y: y + portY - box.portY })
          left += box.width + GAP_X
        }
      },
    }
  }

  function blockBox(step: DeclaredStep): Box {
    const lines = (step.lines ?? []).map(({ steps: line }) => lineBox(line))
    const label = labelOf(step, byName.get(step.name) ?? [])
    const inner = Math.max(label.length * NOTE_WIDTH - GAP_X, ...lines.map((line) => line.width))
    const height = TITLE_HEIGHT + lines.reduce((sum, line) => sum + line.height, 0) + GAP_Y * Math.max(0, lines.length - 1) + PAD
    const portY = (TITLE_HEIGHT + height - PAD) / 2
    const width = inner + 2 * (GAP_X + PAD) - 2 * PAD
    return {
      width,
      height,
      portY,
      draw({ x, y }) {
        frames.push({ key: step.name, x, y, width, height, label })
        let top = y + TITLE_HEIGHT
        for (const line of lines) {
          const left = x + GAP_X + (inner - line.width) / 2
          edges.push(edge({ x, y: y + portY }, { x: left, y: top + line.portY }))
          line.draw({ x: left, y: top })
          edges.push(edge({ x: left + line.width, y: top + line.portY }, { x: x + width, y: y + portY }))
          top += line.height + GAP_Y
        }
      },
    }
  }

  function boxOf(step: DeclaredStep): Box {
    return step.lines === undefined ? nodeBox(step) : blockBox(step)
  }

  const whole = lineBox(outline)
  const height = Math.max(whole.height, NODE_HEIGHT)
  const portY = MARGIN + Math.max(whole.portY, NODE_HEIGHT / 2)
  const left = MARGIN + END_WIDTH + GAP_X
  whole.draw({ x: left, y: portY - whole.portY })
  const begin = { x: MARGIN + END_WIDTH, y: portY }
  const end = { x: left + whole.width + (outline.length === 0 ? 0 : GAP_X), y: portY }
  edges.push(edge(begin, { x: outline.length === 0 ? end.x : left, y: portY }))
  if (outline.length > 0) edges.push(edge({ x: left + whole.width, y: portY }, end))
  return { width: end.x + END_WIDTH + MARGIN, height: height + 2 * MARGIN, nodes, frames, edges, begin, end }
}

/** Straight where it can be, and otherwise bent once in the middle. */
function edge(from: Point, to: Point): string {
  const middle = (from.x + to.x) / 2
  return from.y === to.y ? `M${from.x} ${from.y}H${to.x}` : `M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`
}

function noteOf({ kind, isUndone, of }: DeclaredStep): string {
  switch (kind) {
    case 'pivot':
      return 'pivot: no way back'
    case 'forward':
      return 'until it is done'
    case 'no-compensation':
      return 'nothing to undo'
    case 'sleep':
      return 'lets time pass'
    case 'wait':
      return `waits for ${of ?? 'an event'}`
    case 'child':
      return `saga ${of ?? ''}${isUndone ? ', can be undone' : ''}`
    default:
      return isUndone ? 'can be undone' : ''
  }
}

function labelOf({ kind, name }: DeclaredStep, [found]: readonly ShownStep[]): string {
  switch (kind) {
    case 'when': {
      const said = found?.result === 'true' ? ': yes' : found?.result === 'false' ? ': no' : ''
      return `when ${name}${said}`
    }
    case 'for-each': {
      const items = found?.result == null ? undefined : itemsOf(found.result)
      return `for each of ${name}${items === undefined ? '' : ` (${plural(items, 'item')})`}`
    }
    default:
      return `side by side: ${name}`
  }
}

function itemsOf(result: string): number | undefined {
  try {
    const items: unknown = JSON.parse(result)
    return Array.isArray(items) ? items.length : undefined
  } catch {
    // A long list is cut.
    return undefined
  }
}

/** Of several the one that needs somebody most. */
const WORST: readonly StepState[] = ['undo-failed', 'failed', 'unknown', 'undoing', 'open', 'waiting', 'done', 'undone']

function worstOf(steps: readonly ShownStep[]): StepState | undefined {
  return WORST.find((state) => steps.some((step) => step.state === state))
}
