import { CONSUMERS, type ConsumerName } from './order.ts'
import type { History } from './history.ts'

/** What a history comes to. */
export interface Figures {
  readonly stored: number
  readonly kills: { readonly orders: number; readonly shipping: number }
  /** Kills that came between the commit of an order and the confirmation of its event. */
  readonly killsInWindow: number
  /** Orders that were stored and of which nobody ever heard. */
  readonly lost: readonly string[]
  /** Orders that were told of and never stored. */
  readonly invented: readonly string[]
  /** Events that lay in the outbox when the service was killed, and that its successor found. */
  readonly waiting: number
  /** Events that are in the log more than once. */
  readonly publishedAgain: number
  readonly consumers: Readonly<Record<ConsumerName, ConsumerFigures>>
}

interface ConsumerFigures {
  /** Deliveries of an event that had been delivered before. */
  readonly duplicatesDelivered: number
  /** Parcels of an order that had one. */
  readonly duplicateEffects: number
  /** Events in the log without a parcel. */
  readonly missingEffects: number
}

export function figuresOf(history: History): Figures {
  const { way, asked, orders, shipping, stored, published } = history
  const told = new Set(published.map(({ orderId }) => orderId))
  const known = new Set(stored)
  const lost = stored.filter((orderId) => !told.has(orderId))
  const lostAtMs = asked.filter(({ orderId }) => lost.includes(orderId)).map(({ atMs }) => atMs)
  // A lost order was in the service's hands at the first kill after it was asked for.
  const lostBy = new Set(lostAtMs.map((atMs) => orders.kills.find((kill) => kill.atMs >= atMs)))
  const waiting = orders.starts.slice(1).map((start) => start.waiting ?? 0)
  return {
    stored: stored.length,
    kills: { orders: orders.kills.length, shipping: shipping.kills.length },
    killsInWindow: way === 'naive' ? lostBy.size : waiting.filter((count) => count > 0).length,
    lost,
    invented: [...told].filter((orderId) => !known.has(orderId)),
    waiting: waiting.reduce((sum, count) => sum + count, 0),
    publishedAgain: published.length - new Set(published.map(({ eventId }) => eventId)).size,
    consumers: Object.fromEntries(CONSUMERS.map((name) => [name, consumerFigures(history, name)])) as Figures['consumers'],
  }
}

function consumerFigures({ published, delivered, parcels }: History, name: ConsumerName): ConsumerFigures {
  const deliveries = delivered.filter(({ consumer }) => consumer === name)
  const packed = parcels.filter(({ consumer }) => consumer === name)
  const events = new Set(packed.map(({ eventId }) => eventId))
  return {
    duplicatesDelivered: deliveries.length - new Set(deliveries.map(({ eventId }) => eventId)).size,
    duplicateEffects: packed.length - new Set(packed.map(({ orderId }) => orderId)).size,
    missingEffects: new Set(published.map(({ eventId }) => eventId).filter((eventId) => !events.has(eventId))).size,
  }
}

/** What is not as the README promises, each in a sentence; nothing, if all is. */
export function brokenPromises({ naive, outbox }: { readonly naive: Figures; readonly outbox: Figures }): readonly string[] {
  const broken: string[] = []
  const promise = (holds: boolean, otherwise: string) => {
    if (!holds) broken.push(otherwise)
  }
  promise(naive.killsInWindow > 0, 'No kill fell between the two writes of the naive service: nothing was shown. Ask for more orders.')
  promise(outbox.killsInWindow > 0, 'No kill found an event in the outbox: nothing was shown. Ask for more orders.')
  promise(outbox.lost.length === 0, `The outbox lost ${outbox.lost.length} events: ${outbox.lost.join(', ')}.`)
  for (const [way, figures] of [
    ['naive', naive],
    ['outbox', outbox],
  ] as const) {
    const { 'with-inbox': cured, 'without-inbox': plain } = figures.consumers
    promise(figures.invented.length === 0, `${way}: events tell of orders that were not stored: ${figures.invented.join(', ')}.`)
    promise(cured.duplicateEffects === 0, `${way}: ${cured.duplicateEffects} orders were shipped twice behind the inbox.`)
    promise(
      cured.missingEffects + plain.missingEffects === 0,
      `${way}: ${cured.missingEffects + plain.missingEffects} events have no parcel.`,
    )
  }
  const again = naive.consumers['with-inbox'].duplicatesDelivered + outbox.consumers['with-inbox'].duplicatesDelivered
  promise(again > 0, 'No event was delivered twice: the inbox had nothing to do. Ask for more orders.')
  const twice = naive.consumers['without-inbox'].duplicateEffects + outbox.consumers['without-inbox'].duplicateEffects
  promise(twice > 0, 'Nothing was shipped twice without the inbox: nothing was shown. Ask for more orders.')
  return broken
}
