import { contextOf, type EventEnvelope, type HandlerOfTypes, handlers, on, type Queue } from 'seaworthy/messaging'
import type { Transaction } from 'seaworthy/core'
import { customerCreated, customerCreatedV1 } from '../../customers/contract/events.ts'
import { orderCompleted } from '../../orders/contract/events.ts'
import type { Letter } from '../domain/letter.ts'

/**
 * What an event means to notifications: a letter to write. The letter's job has the event's id, so that an event which comes twice, or whose transaction is rolled
 * back after the queue took the job, still makes one letter.
 */
export function sorting({ queue }: { queue: Queue }): HandlerOfTypes<[Transaction]> {
  const enqueue = (event: EventEnvelope, letter: Letter) => queue.send({ id: event.id, body: letter, context: contextOf(event) })
  const welcome = (event: EventEnvelope<{ readonly customerId: string }>) =>
    enqueue(event, { kind: 'welcome', customerId: event.data.customerId })
  return handlers<[Transaction]>(
    [
      on(customerCreated, welcome),
      on(customerCreatedV1, welcome),
      on(orderCompleted, async (event) => {
        const { customerId, orderId, lines, totalCents } = event.data
        await enqueue(event, { kind: 'order-confirmation', customerId, orderId, lines, totalCents })
      }),
    ],
    { others: 'ignore' },
  )
}
