import { violated } from '../errors.ts'

/**
 * An event, or an effect of one, as a checker sees it: what an outbox, a log's record, an inbox row or a {@link EventName} has. Only the id must be
 * there; the rest is for the message.
 */
export interface EventRef {
  readonly id: string
  readonly type?: string | undefined
  readonly key?: string | undefined
  readonly sequence?: number | undefined
}

/** Where something was seen or missed: a node, a consumer, a topic. */
type Place = string

/**
 * Every event that was published has been handled.
 * @param options `published`: what the owner's committed data says happened; `handled`: what its reader has acted on; `by`: that reader
 * @throws Violation naming the first event that is missing
 */
export function noLostEvents(options: {
  readonly published: Iterable<EventRef>
  readonly handled: Iterable<EventRef>
  readonly by: Place
}): void {
  const handled = idsOf(options.handled)
  const lost = [...options.published].filter(({ id }) => !handled.has(id))
  if (lost.length > 0) violated(`${described(lost[0]!)} is lost: ${options.by} never handled it.${others(lost, 'lost')}`)
}

/**
 * No event has an effect twice. Only effects count, not deliveries: those may come again.
 * @param options `effects`: one element per effect, with the id of the event, or the key, that it belongs to; `at`: who has the effects
 * @throws Violation naming the first event with more than one
 */
export function noDuplicateEffects(options: { readonly effects: Iterable<EventRef>; readonly at: Place }): void {
  const counts = new Map<string, { readonly event: EventRef; count: number }>()
  for (const event of options.effects) {
    const seen = counts.get(event.id)
    if (seen === undefined) counts.set(event.id, { event, count: 1 })
    else seen.count++
  }
  const doubled = [...counts.values()].filter(({ count }) => count > 1)
  const [first] = doubled
  if (first !== undefined) {
    violated(`${described(first.event)} had its effect ${first.count} times at ${options.at}.${others(doubled, 'doubled')}`)
  }
}

/**
 * Nothing was handled that never happened, such as an event of a transaction that was rolled back.
 * @throws Violation naming the first event that nobody published
 */
export function noPhantomEvents(options: {
  readonly published: Iterable<EventRef>
  readonly handled: Iterable<EventRef>
  readonly by: Place
}): void {
  const published = idsOf(options.published)
  const phantoms = [...options.handled].filter(({ id }) => !published.has(id))
  if (phantoms.length > 0) {
    violated(`${described(phantoms[0]!)} is a phantom: ${options.by} handled it, and it never happened.${others(phantoms, 'phantoms')}`)
  }
}

/**
 * The events of each key come in the order of their numbers. Nothing is said about two keys.
 * @param options `events`: in the order in which they took effect; `gapless`: each number is one more than the last of its key (default true, as the
 *   outbox promises), else it is only greater; `at`: where that order was seen
 * @throws Violation naming the key and the two events that are out of order
 */
export function orderPerKey(options: {
  readonly events: Iterable<EventRef & { readonly key: string; readonly sequence: number }>
  readonly gapless?: boolean
  readonly at: Place
}): void {
  const { at, gapless = true } = options
  const last = new Map<string, EventRef & { readonly sequence: number }>()
  for (const event of options.events) {
    const before = last.get(event.key)
    if (before !== undefined && event.sequence <= before.sequence) {
      violated(`Key ${event.key} is out of order at ${at}: ${described(event)} came after ${described(before)}.`)
    }
    if (gapless && before !== undefined && event.sequence !== before.sequence + 1) {
      violated(`Key ${event.key} has a gap at ${at}: after ${described(before)} came ${described(event)}.`)
    }
    last.set(event.key, event)
  }
}

function idsOf(events: Iterable<EventRef>): ReadonlySet<string> {
  return new Set([...events].map(({ id }) => id))
}

function described({ id, type, key, sequence }: EventRef): string {
  const more = [key === undefined ? [] : [`key ${key}`], sequence === undefined ? [] : [`number ${sequence}`]].flat()
  return `${type ?? 'Event'} ${id}${more.length === 0 ? '' : ` (${more.join(', ')})`}`
}

function others(all: readonly unknown[], what: string): string {
  return all.length === 1 ? '' : ` In all ${all.length} are ${what}.`
}
