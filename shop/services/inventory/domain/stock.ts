/** What there is of a product. The sum of the three is all that was ever received, and no decision here changes it. */
export interface StockLevel {
  readonly productId: string
  /** Free to be reserved. */
  readonly onHand: number
  readonly reserved: number
  readonly shipped: number
}

export interface StockLine {
  readonly productId: string
  readonly quantity: number
}

/**
 * - `held`: set aside for an order.
 * - `shipped`: left with a parcel.
 * - `released`: given back. Final: a parcel that is heard of later does not change it.
 */
export interface Reservation {
  readonly id: string
  readonly orderId: string
  readonly lines: readonly StockLine[]
  readonly state: 'held' | 'shipped' | 'released'
}

interface Shortage {
  readonly productId: string
  readonly wanted: number
  readonly onHand: number
}

export type Levels = ReadonlyMap<string, StockLevel>

export type ReserveDecision =
  | { readonly kind: 'reserved'; readonly levels: readonly StockLevel[] }
  | { readonly kind: 'out-of-stock'; readonly shortages: readonly Shortage[] }

/** All lines or none. A product that nobody ever received is out of stock. */
export function reserve(levels: Levels, lines: readonly StockLine[]): ReserveDecision {
  const wanted = merge(lines)
  const shortages = wanted.flatMap(({ productId, quantity }): Shortage[] => {
    const onHand = levels.get(productId)?.onHand ?? 0
    return onHand < quantity ? [{ productId, wanted: quantity, onHand }] : []
  })
  if (shortages.length > 0) return { kind: 'out-of-stock', shortages }
  return { kind: 'reserved', levels: move(levels, wanted, 'onHand', 'reserved') }
}

/** Gives a reservation back; what had been shipped comes back too, because its parcel was cancelled. Nothing when it was given back before. */
export function release(levels: Levels, reservation: Reservation): readonly StockLevel[] {
  switch (reservation.state) {
    case 'held':
      return move(levels, merge(reservation.lines), 'reserved', 'onHand')
    case 'shipped':
      return move(levels, merge(reservation.lines), 'shipped', 'onHand')
    case 'released':
      return []
  }
}

/** The parcel took the goods. Nothing when they had left before, or were given back: the order was undone in the meantime. */
export function ship(levels: Levels, reservation: Reservation): readonly StockLevel[] {
  return reservation.state === 'held' ? move(levels, merge(reservation.lines), 'reserved', 'shipped') : []
}

export function totalOf(level: StockLevel): number {
  return level.onHand + level.reserved + level.shipped
}

type Place = 'onHand' | 'reserved' | 'shipped'

function move(levels: Levels, lines: readonly StockLine[], from: Place, to: Place): readonly StockLevel[] {
  return lines.map(({ productId, quantity }) => {
    const level = levels.get(productId)
    if (level === undefined || level[from] < quantity) {
      throw new RangeError(`Cannot move ${quantity} of ${productId} from ${from} to ${to}: there are ${level?.[from] ?? 0}.`)
    }
    return { ...level, [from]: level[from] - quantity, [to]: level[to] + quantity }
  })
}

function merge(lines: readonly StockLine[]): readonly StockLine[] {
  const quantities = new Map<string, number>()
  for (const { productId, quantity } of lines) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity)
  return Array.from(quantities, ([productId, quantity]) => ({ productId, quantity }))
}
