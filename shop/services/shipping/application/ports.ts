import type { Transaction } from 'seaworthy/core'
import type { Shipment } from '../domain/parcel.ts'

/** Shipments, in shipping's own database. */
export interface ShipmentRepository {
  add(tx: Transaction, shipment: Shipment): Promise<void>
  setState(tx: Transaction, shipmentId: string, state: Shipment['state']): Promise<void>
  find(tx: Transaction, shipmentId: string): Promise<Shipment | undefined>
}
