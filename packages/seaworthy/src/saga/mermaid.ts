import type { Saga } from './definition.ts'
import { type SagaNode, type Step, linesOf, undoOf } from './graph.ts'

/** A declared saga as a Mermaid flowchart: what may happen in which order, where it decides, and what undoes what. */
export function sagaGraph(saga: Saga<never>): string {
  const drawing = new Drawing()
  const begin = drawing.node(`(["${label(`${saga.name} ${saga.version}`)}"])`)
  const ends = drawing.line(saga.steps, [begin])
  const completed = drawing.node('(["completed"])')
  drawing.join(ends, completed)
  return ['flowchart TD', ...drawing.lines].join('\n')
}

class Drawing {
  readonly lines: string[] = []
  #nodes = 0

  node(shape: string): string {
    const id = `n${this.#nodes++}`
    this.lines.push(`  ${id}${shape}`)
    return id
  }

  join(from: readonly string[], to: string, text?: string): void {
    for (const each of from) this.lines.push(`  ${each} -->${text === undefined ? '' : `|"${label(text)}"|`} ${to}`)
  }

  /** @returns where the line leaves off */
  line(steps: readonly SagaNode[], from: readonly string[], text?: string): readonly string[] {
    let [ends, said] = [from, text]
    for (const node of steps) {
      ends = this.#draw(node, ends, said)
      said = undefined
    }
    return ends
  }

  #draw(node: SagaNode, from: readonly string[], text?: string): readonly string[] {
    switch (node.kind) {
      case 'parallel': {
        const fork = this.node(`{{"${label(node.name)}"}}`)
        this.join(from, fork, text)
        return Object.entries(node.branches).flatMap(([branch, line]) => this.line(line, [fork], branch))
      }
      case 'when': {
        const choice = this.node(`{"${label(node.name)}?"}`)
        this.join(from, choice, text)
        return [...this.line(node.steps, [choice], 'yes'), choice]
      }
      case 'for-each': {
        const loop = this.node(`[["for each: ${label(node.name)}"]]`)
        this.join(from, loop, text)
        const [line = []] = linesOf(node)
        this.join(this.line(line, [loop], 'item'), loop, 'next')
        return [loop]
      }
      default: {
        const id = this.node(shapeOf(node))
        this.join(from, id, text)
        const undo = undoOf(node)
        if (undo !== undefined) this.lines.push(`  ${id} -.->|"undo"| ${this.node(`(["undo ${label(node.name)}"])`)}`)
        return [id]
      }
    }
  }
}

function shapeOf(step: Step): string {
  const name = label(step.name)
  switch (step.kind) {
    case 'pivot':
      return `{{"${name} (pivot)"}}`
    case 'sleep':
      return `>"${name} (sleeps)"]`
    case 'wait':
      return `>"${name} (waits for ${label(step.event)})"]`
    case 'child':
      return `[["${name} (saga ${label(step.saga.name)} ${step.saga.version})"]]`
    case 'compensatable':
    case 'no-compensation':
    case 'forward':
      return `["${name}"]`
  }
}

/** Mermaid reads entities in quotes. */
function label(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}
