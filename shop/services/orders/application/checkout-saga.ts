import { saga } from 'seaworthy/saga'
import type { OrderLine } from '../domain/order.ts'
import type { Inventory, Payments, Shipping } from './ports.ts'

export interface CheckoutInput {
  readonly orderId: string
  readonly customerId: string
  readonly lines: readonly OrderLine[]
  readonly totalCents: number
  readonly card: string
}

/**
 * The checkout after it was accepted. Stock and money can be given back; a booked shipment is the point of no return, because the parcel
 * may be on its way. What the saga's end means for the order is written with it, in one transaction (see main.ts).
 * `seaworthy saga check` reads it from sagas.ts.
 */
export function checkoutSaga({ inventory, payments, shipping }: { inventory: Inventory; payments: Payments; shipping: Shipping }) {
  return saga<CheckoutInput>('checkout', { version: 1 })
    .step('reserve stock', {
      run: (s) => inventory.reserve({ orderId: s.input.orderId, lines: s.input.lines }, s),
      compensate: (s) => inventory.release({ orderId: s.input.orderId }, s),
    })
    .step('charge', {
      run: (s) =>
        payments.charge(
          { orderId: s.input.orderId, customerId: s.input.customerId, amountCents: s.input.totalCents, card: s.input.card },
          s,
        ),
      compensate: (s) => payments.refund({ orderId: s.input.orderId }, s),
    })
    .pivot('book shipment', {
      run: (s) => shipping.book({ orderId: s.input.orderId, customerId: s.input.customerId, lines: s.input.lines }, s),
    })
}
