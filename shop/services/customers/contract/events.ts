import { defineEvent } from 'seaworthy/messaging'
import { z } from 'zod'

/** The topic of customers: the monolith tells there about those that it has, and the service goes on where it stopped. */
export const CUSTOMERS_TOPIC = 'customers'

const about = { topic: CUSTOMERS_TOPIC, key: (data: { customerId: string }) => data.customerId }

const customer = z.object({
  customerId: z.string().min(1),
  /** Whether a bill can reach them at the address that they gave. */
  canBeBilled: z.boolean(),
  creditLimitCents: z.int().min(0),
})

/**
 * Who became a customer, and nothing personal: a log is never rewritten, and what was not published needs no erasing. Whoever needs a name or an address asks
 * those who own the customers, when they need it.
 */
export type CustomerData = z.output<typeof customer>

/** Somebody became a customer. */
export const customerCreated = defineEvent<CustomerData>('customer.created', { ...about, version: 2, schema: customer })

/** A customer from another time or system became known. It is history: nobody is to be welcomed. */
export const customerImported = defineEvent<CustomerData>('customer.imported', { ...about, version: 2, schema: customer })

const forgotten = z.object({ customerId: z.string().min(1) })

export type CustomerForgotten = z.output<typeof forgotten>

/** A customer asked to be forgotten, and is no longer known here. Whoever has something personal of them erases it. */
export const customerForgotten = defineEvent<CustomerForgotten>('customer.forgotten', { ...about, version: 1, schema: forgotten })

const withAddress = z.object({
  customerId: z.string().min(1),
  name: z.string().min(1),
  email: z.string().min(1),
  creditLimitCents: z.int().min(0),
})

/** Version 1 had name and address in it. Nobody publishes it any more; logs from before may have it. */
export type CustomerDataV1 = z.output<typeof withAddress>

export const customerCreatedV1 = defineEvent<CustomerDataV1>('customer.created', { ...about, version: 1, schema: withAddress })
export const customerImportedV1 = defineEvent<CustomerDataV1>('customer.imported', { ...about, version: 1, schema: withAddress })

/** What version 2 would have said. */
export function fromVersion1({ customerId, email, creditLimitCents }: CustomerDataV1): CustomerData {
  return { customerId, canBeBilled: canBeBilled(email), creditLimitCents }
}

/** What RFC 2606 keeps from ever being reached: nobody can be sent a bill there. */
const UNREACHABLE = /[.@]invalid$/i

/** Whether bills can be sent to an e-mail address. */
export function canBeBilled(email: string): boolean {
  return !UNREACHABLE.test(email)
}
