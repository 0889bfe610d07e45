import { type NewId, RejectedError, type Transaction } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { fingerprintOf, type Participant } from 'seaworthy/saga'
import { stockReleased, stockReserved } from '../contract/events.ts'
import { release, type Reservation, reserve, ship, type StockLine } from '../domain/stock.ts'
import type { StockRepository } from './ports.ts'

interface ReserveRequest {
  readonly orderId: string
  readonly lines: readonly StockLine[]
}

/** What inventory does. Under one key a reservation is made and released once, whatever is repeated, delayed or overtaken. */
export interface StockKeeping {
  /** @throws RejectedError `out-of-stock`, naming every product that is short */
  reserve(key: string, request: ReserveRequest): Promise<{ reservationId: string }>
  /** Gives back what was reserved under the key. */
  release(key: string): Promise<void>
  /** The parcel of an order was booked: its goods leave. In the transaction of the inbox, which sees to repetitions. */
  ship(tx: Transaction, orderId: string): Promise<void>
}

export interface StockKeepingOptions {
  readonly stock: StockRepository
  readonly participant: Participant
  readonly outbox: Outbox
  readonly newId: NewId
}

export function stockKeeping({ stock, participant, outbox, newId }: StockKeepingOptions): StockKeeping {
  const levelsFor = (tx: Transaction, lines: readonly StockLine[]) =>
    stock.levels(
      tx,
      lines.map(({ productId }) => productId),
    )

  async function hold(tx: Transaction, { orderId, lines }: ReserveRequest): Promise<{ reservationId: string }> {
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
  }

  async function giveBack(tx: Transaction, { reservationId }: { readonly reservationId: string }): Promise<void> {
    const reservation = await stock.reservation(tx, reservationId)
    if (reservation === undefined || reservation.state === 'released') return
    await stock.saveLevels(tx, release(await levelsFor(tx, reservation.lines), reservation))
    await stock.setState(tx, reservationId, 'released')
    const { orderId, lines } = reservation
    await outbox.add(tx, stockReleased({ reservationId, orderId, lines }))
  }

  return {
    reserve: (key, { orderId, lines }) =>
      participant.act(key, fingerprintOf({ orderId, lines }), (tx) => hold(tx, { orderId, lines }), { name: 'reserve stock' }),

    async release(key) {
      await participant.compensate(key, giveBack, { name: 'release stock' })
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
