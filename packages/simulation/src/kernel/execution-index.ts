/**
 * The name of a decision point: `service.operation:label#n`, as in `orders.database:commit:before#3`, `orders.event-log:append:after#1` or
 * `orders.transport:inventory.reserve:request#2`. `n` counts, from 1, how often this point was reached in the history, by all incarnations.
 */
export type ExecutionIndex = string

/** A point without its number: `service.operation:label`. */
export type PointName = string

/** Numbers the points of one history. */
export class ExecutionCounters {
  readonly #counts = new Map<PointName, number>()

  next(name: PointName): ExecutionIndex {
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    return `${name}#${count}`
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
