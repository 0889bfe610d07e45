/**
 * The name of a decision point: `service.operation:label#n`, as in `orders.database:commit:before#3`, `orders.event-log:append:after#1` or
 * `orders.transport:inventory.reserve:request#2`. `n` counts, from 1, how often this point was reached in the history, by all incarnations.
 */
export type ExecutionIndex = string

interface Counter {
  readonly prefix: string
  /** Its indexes, by number. Every history of an exploration comes to most of them. */
  readonly names: ExecutionIndex[]
  count: number
  /** The history that it counts for. */
  history: number
}

/** Numbers the points of one history after another. */
export class ExecutionCounters {
  // By node and then by the rest of the name, because a name that is put together anew has to be hashed anew.
  readonly #ofNodes = new Map<string, Map<string, Counter>>()
  #history = 0

  /** Another history: all count from 1 again. */
  begin(): void {
    this.#history++
  }

  /** @param point `operation:label` */
  next(node: string, point: string): ExecutionIndex {
    let counters = this.#ofNodes.get(node)
    if (counters === undefined) this.#ofNodes.set(node, (counters = new Map()))
    let counter = counters.get(point)
    if (counter === undefined) counters.set(point, (counter = { prefix: `${node}.${point}#`, names: [], count: 0, history: this.#history }))
    if (counter.history !== this.#history) {
      counter.history = this.#history
      counter.count = 0
    }
    const at = counter.count++
    return (counter.names[at] ??= inOnePiece(`${counter.prefix}${at + 1}`))
  }
}

/** A text that was put together is a tree to V8 and read more slowly; the name of a property never is. */
function inOnePiece(text: string): string {
  return Object.keys({ [text]: true })[0]!
}

/** A label as it stands in an index: without blanks, which part faults in a history's text, and without `#` and `@`, which part an index. */
export function labelOf(text: string): string {
  return /[\s#@]/.test(text) ? text.replaceAll(/[\s#@]+/g, '-') : text
}

/** What an index is made of. */
export function parseIndex(index: ExecutionIndex): {
  readonly node: string
  readonly operation: string
  readonly label: string
  readonly count: number
} {
  const found = /^([^.]+)\.([^:]+):(.*)#(\d+)$/.exec(index)
  if (found === null) return { node: '', operation: '', label: index, count: 1 }
  const [, node = '', operation = '', label = '', count = '1'] = found
  return { node, operation, label, count: Number(count) }
}
