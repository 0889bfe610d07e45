import { type NewId, RejectedError, type Transaction } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { shipmentBooked, shipmentCancelled } from '../contract/events.ts'
import { inspect, type ParcelLine, PIECES_MAX, type Shipment } from '../domain/parcel.ts'
import type { ShipmentRepository } from './ports.ts'

/** What shipping does. Each act is one transaction of the caller's, which its event is part of. */
export interface Booking {
  /** @throws RejectedError `shipping-refused` */
  book(tx: Transaction, request: { orderId: string; customerId: string; lines: readonly ParcelLine[] }): Promise<{ shipmentId: string }>
  cancel(tx: Transaction, shipmentId: string): Promise<void>
}

export function booking({ shipments, outbox, newId }: { shipments: ShipmentRepository; outbox: Outbox; newId: NewId }): Booking {
  return {
    async book(tx, { orderId, customerId, lines }) {
      const decision = inspect(lines)
      if (decision.kind === 'refused') {
        throw new RejectedError('shipping-refused', `The carrier takes ${PIECES_MAX} pieces in one order, not ${decision.pieces}.`)
      }
      const shipment: Shipment = { id: newId(), orderId, customerId, lines, state: 'booked' }
      await shipments.add(tx, shipment)
      await outbox.add(tx, shipmentBooked({ shipmentId: shipment.id, orderId, customerId, lines }))
      return { shipmentId: shipment.id }
    },

    async cancel(tx, shipmentId) {
      const shipment = await shipments.find(tx, shipmentId)
      if (shipment === undefined || shipment.state === 'cancelled') return
      await shipments.setState(tx, shipmentId, 'cancelled')
      const { orderId, customerId, lines } = shipment
      await outbox.add(tx, shipmentCancelled({ shipmentId, orderId, customerId, lines }))
    },
  }
}
