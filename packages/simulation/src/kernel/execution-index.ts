/**
 * The name of a decision point: `service.operation:label#n`, as in `orders.database:commit:before#3`, `orders.event-log:append:after#1` or
 * `orders.transport:inventory.reserve:request#2`. `n` counts, from 1, how often this point was reached in the history, by all incarnations.
 */
export type ExecutionIndex = string

interface Counter {
  readonly prefix: string
  count: number
}

/** Numbers the points of one history. */
export class ExecutionCounters {
  // By node and then by the rest of the name, because a name that is put together anew has to be hashed anew.
  readonly #ofNodes = new Map<string, Map<string, Counter>>()

  /** @param point `operation:label` */
  next(node: string, point: string): ExecutionIndex {
    let counters = this.#ofNodes.get(node)
    if (counters === undefined) this.#ofNodes.set(node, (counters = new Map()))
    let counter = counters.get(point)
    if (counter === undefined) counters.set(point, (counter = { prefix: `${node}.${point}#`, count: 0 }))
    return counter.prefix + ++counter.count
  }
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
