import { type NewId, RejectedError, type Transaction } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { stockReleased, stockReserved } from '../contract/events.ts'
import { release, type Reservation, reserve, ship, type StockLine } from '../domain/stock.ts'
import type { StockRepository } from './ports.ts'

/** What inventory does. Each act is one transaction of the caller's, which its event is part of. */
export interface StockKeeping {
  /** @throws RejectedError `out-of-stock`, naming every product that is short */
  reserve(tx: Transaction, request: { orderId: string; lines: readonly StockLine[] }): Promise<{ reservationId: string }>
  release(tx: Transaction, reservationId: string): Promise<void>
  /** The parcel of an order was booked: its goods leave. */
  ship(tx: Transaction, orderId: string): Promise<void>
}

export function stockKeeping({ stock, outbox, newId }: { stock: StockRepository; outbox: Outbox; newId: NewId }): StockKeeping {
  const levelsFor = (tx: Transaction, lines: readonly StockLine[]) =>
    stock.levels(
      tx,
      lines.map(({ productId }) => productId),
    )
  return {
    async reserve(tx, { orderId, lines }) {
      const decision = reserve(await levelsFor(tx, lines), lines)
      if (decision.kind === 'out-of-stock') {
        const short = decision.shortages.map(({ productId, wanted, onHand }) => `${productId} (${wanted} wanted, ${onHand} on hand)`)
        throw new RejectedError('out-of-stock', `Not enough stock of ${short.join(', ')}.`)
      }
      const reservation: Reservation = { id: newId(), orderId, lines, state: 'held' }
      await stock.saveLevels(tx, decision.levels)
      await stock.addReservation(tx, reservation)
      await outbox.add(tx, stockReserved({ reservationId: reservation.id, orderId, lines }))
      return { reservationId: reservation.id }
    },

    async release(tx, reservationId) {
      const reservation = await stock.reservation(tx, reservationId)
      if (reservation === undefined || reservation.state === 'released') return
      await stock.saveLevels(tx, release(await levelsFor(tx, reservation.lines), reservation))
      await stock.setState(tx, reservation.id, 'released')
      const { orderId, lines } = reservation
      await outbox.add(tx, stockReleased({ reservationId, orderId, lines }))
    },

    async ship(tx, orderId) {
      for (const reservation of await stock.reservationsOf(tx, orderId)) {
        if (reservation.state !== 'held') continue
        await stock.saveLevels(tx, ship(await levelsFor(tx, reservation.lines), reservation))
        await stock.setState(tx, reservation.id, 'shipped')
      }
    },
  }
}
