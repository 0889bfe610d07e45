import type { OutboxEvent } from './adapter.ts'
import type { Arrival } from './exchange.ts'

type Seen = Pick<Arrival, 'id' | 'key' | 'instance'>

/** Committed events that never came. */
export function lost(committed: readonly OutboxEvent[], seen: readonly Seen[]): readonly OutboxEvent[] {
  const ids = new Set(seen.map(({ id }) => id))
  return committed.filter(({ id }) => !ids.has(id))
}

/** Messages that no committed transaction sent. */
export function ghosts(committed: readonly OutboxEvent[], seen: readonly Seen[]): readonly Seen[] {
  const ids = new Set(committed.map(({ id }) => id))
  return seen.filter(({ id }) => !ids.has(id))
}

/** Messages that came before and come again. */
export function duplicates(seen: readonly Seen[]): readonly Seen[] {
  const ids = new Set<string>()
  return seen.filter(({ id }) => ids.size === ids.add(id).size)
}

export interface Inversion {
  readonly key: string
  readonly number: number
  /** The number of the key that came before it, and should have come after. */
  readonly after: number
}

/** First arrivals that came after a later one of their key. That a message comes again is no inversion: delivery is at least once. */
export function inversions(committed: readonly OutboxEvent[], seen: readonly Seen[]): readonly Inversion[] {
  const events = new Map(committed.map((event) => [event.id, event]))
  const last = new Map<string, number>()
  const known = new Set<string>()
  return seen.flatMap(({ id }) => {
    const event = events.get(id)
    if (event === undefined || known.has(id)) return []
    known.add(id)
    const after = last.get(event.key) ?? 0
    if (event.number > after) {
      last.set(event.key, event.number)
      return []
    }
    return [{ key: event.key, number: event.number, after }]
  })
}

/** Messages that a relay sent after another relay had sent a later one of their key: what a consumer without an inbox takes for news. */
export function staleSends(committed: readonly OutboxEvent[], seen: readonly Seen[]): readonly Inversion[] {
  const events = new Map(committed.map((event) => [event.id, event]))
  const last = new Map<string, { readonly number: number; readonly instance: string }>()
  return seen.flatMap(({ id, instance }) => {
    const event = events.get(id)
    if (event === undefined) return []
    const before = last.get(event.key)
    if (before === undefined || event.number > before.number) {
      last.set(event.key, { number: event.number, instance })
      return []
    }
    return before.instance === instance || before.number === event.number
      ? []
      : [{ key: event.key, number: event.number, after: before.number }]
  })
}

/** "3 of 20 events lost: the first is number 7 of key-2". Undefined where there is nothing to say. */
export function sayLost(committed: readonly OutboxEvent[], missing: readonly OutboxEvent[]): string | undefined {
  const [first] = missing
  return first && `${missing.length} of ${committed.length} events lost: the first is number ${first.number} of ${first.key}`
}

export function sayInversions(count: number, found: readonly Inversion[]): string | undefined {
  const [first] = found
  return (
    first &&
    `${found.length} of ${count} events out of their key's order: the first is number ${first.number} of ${first.key}, after ${first.after}`
  )
}
