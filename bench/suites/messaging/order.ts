import type { Schema } from 'seaworthy/core'
import { defineEvent } from 'seaworthy/messaging'

/** What every contender stores and publishes. */
export interface Order {
  readonly id: string
  readonly customer: string
  readonly totalCents: number
  readonly note: string
}

const anyOrder: Schema<Order> = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: value as Order }) },
}

export const TOPIC = 'orders'

export const orderPlaced = defineEvent('order.placed', {
  topic: TOPIC,
  version: 1,
  key: ({ customer }) => customer,
  schema: anyOrder,
})

const CUSTOMERS = 1_000
const NOTE = 'Leave it with the neighbour on the left if nobody answers the bell. '.repeat(3)
let made = 0

/** The next order, of about 300 bytes; its customer is one of a thousand in turn, so that keys repeat without queueing up behind each other. */
export function nextOrder(): Order {
  const number = ++made
  return { id: `order-${process.pid}-${number}`, customer: `customer-${number % CUSTOMERS}`, totalCents: number % 10_000, note: NOTE }
}

/** Runs `work` so often, so many at a time. @returns how many a second of wall time */
export async function perSecond(times: number, concurrency: number, work: () => Promise<unknown>): Promise<number> {
  let left = times
  const startedMs = performance.now()
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await work()
    }),
  )
  return (times / (performance.now() - startedMs)) * 1_000
}
