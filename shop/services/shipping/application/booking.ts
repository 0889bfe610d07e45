import { type NewId, RejectedError, type Transaction } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { fingerprintOf, type Participant } from 'seaworthy/saga'
import { shipmentBooked, shipmentCancelled } from '../contract/events.ts'
import { inspect, type ParcelLine, PIECES_MAX, type Shipment } from '../domain/parcel.ts'
import type { ShipmentRepository } from './ports.ts'

interface BookRequest {
  readonly orderId: string
  readonly customerId: string
  readonly lines: readonly ParcelLine[]
}

/** What shipping does. Under one key a parcel is booked and cancelled once, whatever is repeated, delayed or overtaken. */
export interface Booking {
  /** @throws RejectedError `shipping-refused` */
  book(key: string, request: BookRequest): Promise<{ shipmentId: string }>
  /** Cancels what was booked under the key. */
  cancel(key: string): Promise<void>
}

export interface BookingOptions {
  readonly shipments: ShipmentRepository
  readonly participant: Participant
  readonly outbox: Outbox
  readonly newId: NewId
}

export function booking({ shipments, participant, outbox, newId }: BookingOptions): Booking {
  async function send(tx: Transaction, { orderId, customerId, lines }: BookRequest): Promise<{ shipmentId: string }> {
    const decision = inspect(lines)
    if (decision.kind === 'refused') {
      throw new RejectedError('shipping-refused', `The carrier takes ${PIECES_MAX} pieces in one order, not ${decision.pieces}.`)
    }
    const shipment: Shipment = { id: newId(), orderId, customerId, lines, state: 'booked' }
    await shipments.add(tx, shipment)
    await outbox.add(tx, shipmentBooked({ shipmentId: shipment.id, orderId, customerId, lines }))
    return { shipmentId: shipment.id }
  }

  async function callBack(tx: Transaction, { shipmentId }: { readonly shipmentId: string }): Promise<void> {
    const shipment = await shipments.find(tx, shipmentId)
    if (shipment === undefined || shipment.state === 'cancelled') return
    await shipments.setState(tx, shipmentId, 'cancelled')
    const { orderId, customerId, lines } = shipment
    await outbox.add(tx, shipmentCancelled({ shipmentId, orderId, customerId, lines }))
  }

  return {
    book: (key, { orderId, customerId, lines }) =>
      participant.act(key, fingerprintOf({ orderId, customerId, lines }), (tx) => send(tx, { orderId, customerId, lines }), {
        name: 'book shipment',
      }),

    async cancel(key) {
      await participant.compensate(key, callBack, { name: 'cancel shipment' })
    },
  }
}
