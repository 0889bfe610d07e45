import type { Transaction } from 'seaworthy/core'
import type { ImportedStock } from '../contract/import.ts'
import type { Levels, Reservation, StockLevel } from '../domain/stock.ts'

/** Stock levels and reservations, in inventory's own database. */
export interface StockRepository {
  levels(tx: Transaction, productIds: readonly string[]): Promise<Levels>
  saveLevels(tx: Transaction, levels: readonly StockLevel[]): Promise<void>
  addReservation(tx: Transaction, reservation: Reservation): Promise<void>
  setState(tx: Transaction, reservationId: string, state: Reservation['state']): Promise<void>
  reservation(tx: Transaction, reservationId: string): Promise<Reservation | undefined>
  reservationsOf(tx: Transaction, orderId: string): Promise<readonly Reservation[]>
  /** Takes over stock of products that are not known yet. @returns how many were not */
  takeOver(tx: Transaction, stock: readonly ImportedStock[]): Promise<number>
  isEmpty(): Promise<boolean>
  level(productId: string): Promise<StockLevel | undefined>
}
