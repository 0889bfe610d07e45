import { contextOf, type EventEnvelope, type HandlerOfTypes, handlers, on, type Queue } from 'seaworthy/messaging'
import type { Transaction } from 'seaworthy/core'
import { type CustomerData, customerCreated, customerImported } from '../../customers/contract/events.ts'
import { orderCompleted } from '../../orders/contract/events.ts'
import type { Letter } from '../domain/letter.ts'
import type { AddressBook } from './ports.ts'

/**
 * What an event means to notifications: an address to remember, a letter to write. The letter's job has the event's id, so that an event
 * which comes twice, or whose transaction is rolled back after the queue took the job, still makes one letter.
 */
export function sorting({ addresses, queue }: { addresses: AddressBook; queue: Queue }): HandlerOfTypes<[Transaction]> {
  const enqueue = (event: EventEnvelope, letter: Letter) => queue.send({ id: event.id, body: letter, context: contextOf(event) })
  const remember = async ({ data }: EventEnvelope<CustomerData>, tx: Transaction) => {
    await addresses.remember(tx, { customerId: data.customerId, name: data.name, email: data.email })
  }
  return handlers(
    [
      on(customerImported, remember),
      on(customerCreated, async (event: EventEnvelope<CustomerData>, tx: Transaction) => {
        await remember(event, tx)
        await enqueue(event, { kind: 'welcome', customerId: event.data.customerId })
      }),
      on(orderCompleted, async (event) => {
        const { customerId, orderId, lines, totalCents } = event.data
        await enqueue(event, { kind: 'order-confirmation', customerId, orderId, lines, totalCents })
      }),
    ],
    { others: 'ignore' },
  )
}
