import { type Diagram, type Fold, type RenderedFailure, type Step, foldText } from './diagram.ts'
import { diagramOf } from './folding.ts'
import { faultText, foundText, timeText } from './wording.ts'

const LANE_WIDTH_MIN = 10
const TIME_WIDTH = 10

/**
 * A failing history as a sequence diagram for a terminal: a lane for each client, node and broker, time from top to bottom, what happens in words at the
 * right. `●` is a commit, `✗` a crash or a message that does not arrive, `○` a start, `‖` a pause; a line with `!` is a fault. A lane is empty while its node
 * is down.
 */
export function historyAsText(failure: RenderedFailure): string {
  return [heading(failure), '', ...drawn(diagramOf(failure)), '', `Run it again by replay: '${failure.history}'.`].join('\n')
}

function heading({ invariant, message, faults, runs }: RenderedFailure): string {
  const lines = [`✗ ${invariant}`, ...message.split('\n').map((line) => `  ${line}`.trimEnd()), '']
  return [...lines, foundText({ faults, runs }), ...faults.map((fault) => `  ${faultText(fault)}`)].join('\n')
}

function drawn({ lanes, rows }: Diagram): readonly string[] {
  const isShown = (row: Step | Fold): row is Step => row.kind !== 'fold'
  const used = new Set(rows.filter(isShown).flatMap(({ lane, to }) => (to === undefined ? [lane] : [lane, to])))
  const canvas = new Canvas(lanes.filter((lane) => used.has(lane)))
  const lines = [canvas.header()]
  for (const row of rows) {
    if (row.kind !== 'fold') lines.push(canvas.step(row))
    else {
      canvas.pass(row.steps)
      const text = foldText(row)
      if (text !== undefined) lines.push(canvas.line('', undefined, `… ${text}`))
    }
  }
  return lines
}

/** Draws line by line, and knows who is down. */
class Canvas {
  readonly #lanes: readonly string[]
  readonly #down = new Set<string>()
  readonly #starts: readonly number[]
  readonly #width: number

  constructor(lanes: readonly string[]) {
    this.#lanes = lanes
    const widths = lanes.map((lane) => Math.max(LANE_WIDTH_MIN, lane.length + 2))
    this.#starts = widths.map((_, at) => widths.slice(0, at).reduce((sum, width) => sum + width, 0))
    this.#width = widths.reduce((sum, width) => sum + width, 0)
  }

  header(): string {
    const names = this.#lanes.map((lane, at) => lane.padEnd((this.#starts[at + 1] ?? this.#width) - this.#starts[at]!)).join('')
    return `${' '.repeat(TIME_WIDTH + 4)}${names}`.trimEnd()
  }

  step(step: Step): string {
    const line = this.line(timeText(step.atMs), step, step.text)
    this.pass([step])
    return line
  }

  /** Takes note of who goes down and comes back. */
  pass(steps: readonly Step[]): void {
    for (const { kind, lane } of steps) {
      if (kind === 'crash') this.#down.add(lane)
      if (kind === 'start') this.#down.delete(lane)
    }
  }

  line(time: string, step: Step | undefined, text: string): string {
    const cells = Array.from({ length: this.#width }, () => ' ')
    for (const [at, lane] of this.#lanes.entries()) cells[this.#starts[at]!] = this.#down.has(lane) ? ' ' : '│'
    if (step?.kind === 'phase') cells.fill('┄', 0, -1)
    else if (step !== undefined) this.#draw(cells, step)
    return `${time.padStart(TIME_WIDTH)} ${step?.isFault === true ? '!' : ' '}  ${cells.join('')}${text}`.trimEnd()
  }

  #draw(cells: string[], step: Step): void {
    const from = this.#starts[this.#lanes.indexOf(step.lane)] ?? 0
    if (step.to === undefined || step.to === step.lane) {
      cells[from] = MARKS[step.kind]
      return
    }
    const to = this.#starts[this.#lanes.indexOf(step.to)] ?? 0
    const stroke = step.kind === 'answer' ? '╌' : '─'
    const [left, right] = from < to ? [from, to] : [to, from]
    for (let at = left + 1; at < right; at++) if (cells[at] !== '│' || step.lost !== true) cells[at] = stroke
    cells[from] = from < to ? '├' : '┤'
    const head = from < to ? right - 1 : left + 1
    cells[head] = step.lost === true ? '✗' : from < to ? '▶' : '◀'
  }
}

const MARKS: Readonly<Record<Step['kind'], string>> = {
  message: '↻',
  answer: '↻',
  commit: '●',
  start: '○',
  crash: '✗',
  pause: '‖',
  note: '·',
  trouble: '!',
  phase: '┄',
}
