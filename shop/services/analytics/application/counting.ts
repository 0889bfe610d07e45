import type { Transaction } from 'seaworthy/core'
import { type EventEnvelope, type HandlerOfTypes, handlers, on } from 'seaworthy/messaging'
import { customerCreated, customerCreatedV1, customerImported, customerImportedV1 } from '../../customers/contract/events.ts'
import { type OrderCompleted, type OrderImported, orderCompleted, orderImported, orderRejected } from '../../orders/contract/events.ts'
import { saleOf } from '../domain/figures.ts'
import type { FiguresRepository } from './ports.ts'

/** Counts what the events tell, in the transaction that remembers them. */
export function counting(figures: FiguresRepository): HandlerOfTypes<[Transaction]> {
  const sold = async ({ data }: EventEnvelope<OrderCompleted | OrderImported>, tx: Transaction) => {
    await figures.add(tx, 'orders-completed', 1)
    await figures.add(tx, 'revenue-cents', data.totalCents)
    for (const line of data.lines) await figures.addSale(tx, saleOf(line))
  }
  const customer = (_: EventEnvelope, tx: Transaction) => figures.add(tx, 'customers', 1)
  return handlers(
    [
      on(orderCompleted, sold),
      on(orderImported, sold),
      on(orderRejected, (_, tx: Transaction) => figures.add(tx, 'orders-rejected', 1)),
      on(customerCreated, customer),
      on(customerCreatedV1, customer),
      on(customerImported, customer),
      on(customerImportedV1, customer),
    ],
    { others: 'ignore' },
  )
}
