import type { Database } from 'seaworthy/core'
import { forUpdate, insertAll, parameters } from '../../../platform/statements.ts'
import type { StockRepository } from '../application/ports.ts'
import type { Reservation, StockLevel, StockLine } from '../domain/stock.ts'

// By primary key, for each product. In the order of the key, so that two who lock several products never wait for each other.
const selectLevels = (productIds: readonly string[], then = '') =>
  `SELECT product_id, on_hand, reserved, shipped FROM stock WHERE product_id IN (${parameters(productIds)}) ORDER BY product_id ${then}`
// By primary key.
const UPDATE_LEVEL = 'UPDATE stock SET on_hand = ?, reserved = ?, shipped = ? WHERE product_id = ?'
const INSERT_RESERVATION = 'INSERT INTO reservations (id, order_id, lines, state) VALUES (?, ?, ?, ?)'
// By primary key.
const UPDATE_RESERVATION = 'UPDATE reservations SET state = ? WHERE id = ?'
// By primary key.
const SELECT_RESERVATION = 'SELECT id, order_id, lines, state FROM reservations WHERE id = ?'
// By reservations_by_order.
const SELECT_RESERVATIONS_OF_ORDER = 'SELECT id, order_id, lines, state FROM reservations WHERE order_id = ? ORDER BY id'
const STOCK = 'stock (product_id, on_hand, reserved, shipped)'
// By primary key. A product that is known keeps its count, because sales have changed it since.
const KNOWN_STAYS = 'ON CONFLICT (product_id) DO NOTHING'
const SELECT_ANY = 'SELECT 1 AS found FROM stock LIMIT 1'

interface LevelRow {
  readonly product_id: string
  readonly on_hand: number
  readonly reserved: number
  readonly shipped: number
}

interface ReservationRow {
  readonly id: string
  readonly order_id: string
  readonly lines: string
  readonly state: Reservation['state']
}

export function stockRepository(database: Database): StockRepository {
  // Whoever reads in a transaction is about to write what follows from it.
  const locked = forUpdate(database)
  return {
    async levels(tx, productIds) {
      const rows = await tx.query<LevelRow>({ sql: selectLevels(productIds, locked), params: productIds })
      return new Map(rows.map((row) => [row.product_id, toLevel(row)]))
    },
    async saveLevels(tx, levels) {
      for (const { productId, onHand, reserved, shipped } of levels) {
        await tx.execute({ sql: UPDATE_LEVEL, params: [onHand, reserved, shipped, productId] })
      }
    },
    async addReservation(tx, { id, orderId, lines, state }) {
      await tx.execute({ sql: INSERT_RESERVATION, params: [id, orderId, JSON.stringify(lines), state] })
    },
    async setState(tx, reservationId, state) {
      await tx.execute({ sql: UPDATE_RESERVATION, params: [state, reservationId] })
    },
    async reservation(tx, reservationId) {
      const [row] = await tx.query<ReservationRow>({ sql: `${SELECT_RESERVATION} ${locked}`, params: [reservationId] })
      return row === undefined ? undefined : toReservation(row)
    },
    async reservationsOf(tx, orderId) {
      const rows = await tx.query<ReservationRow>({ sql: `${SELECT_RESERVATIONS_OF_ORDER} ${locked}`, params: [orderId] })
      return rows.map(toReservation)
    },
    async takeOver(tx, stock) {
      if (stock.length === 0) return 0
      const rows = stock.map(({ productId, quantity }) => [productId, quantity, 0, 0])
      return (await tx.execute(insertAll(STOCK, rows, KNOWN_STAYS))).rowCount
    },
    async isEmpty() {
      return (await database.query({ sql: SELECT_ANY })).length === 0
    },
    async level(productId) {
      const [row] = await database.query<LevelRow>({ sql: selectLevels([productId]), params: [productId] })
      return row === undefined ? undefined : toLevel(row)
    },
  }
}

function toLevel(row: LevelRow): StockLevel {
  return { productId: row.product_id, onHand: row.on_hand, reserved: row.reserved, shipped: row.shipped }
}

function toReservation(row: ReservationRow): Reservation {
  return { id: row.id, orderId: row.order_id, lines: JSON.parse(row.lines) as StockLine[], state: row.state }
}
