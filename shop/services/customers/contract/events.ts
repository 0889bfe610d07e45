import { defineEvent } from 'seaworthy/messaging'
import { z } from 'zod'

/** The topic of customers: the monolith tells there about those that it has, and the service goes on where it stopped. */
export const CUSTOMERS_TOPIC = 'customers'

const customer = z.object({
  customerId: z.string().min(1),
  name: z.string().min(1),
  email: z.string().min(1),
  creditLimitCents: z.int().min(0),
})

export type CustomerData = z.output<typeof customer>

const about = { topic: CUSTOMERS_TOPIC, version: 1, key: (data: { customerId: string }) => data.customerId }

/** Somebody became a customer. */
export const customerCreated = defineEvent<CustomerData>('customer.created', { ...about, schema: customer })

/** A customer from another time or system became known. It is history: nobody is to be welcomed. */
export const customerImported = defineEvent<CustomerData>('customer.imported', { ...about, schema: customer })
