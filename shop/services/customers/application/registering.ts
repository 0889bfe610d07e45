import type { Clock, Database, NewId } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { canBeBilled, type CustomerData, customerCreated, customerImported } from '../contract/events.ts'
import type { ImportedCustomer } from '../contract/import.ts'
import { type Customer, newCustomer } from '../domain/customer.ts'
import type { CustomerRepository, Ownership } from './ports.ts'

/** How people become customers. */
export interface Registering {
  create(request: { readonly name: string; readonly email: string }): Promise<Customer>
  /**
   * Takes over what other systems know. What is known already is left as it is; each new one is told as an imported customer: counted, and not welcomed.
   * @returns how many were new
   */
  takeOver(customers: readonly ImportedCustomer[]): Promise<number>
}

export interface RegisteringOptions {
  readonly database: Database
  readonly customers: CustomerRepository
  readonly outbox: Outbox
  readonly owned: Ownership
  readonly clock: Clock
  readonly newId: NewId
}

export function registering({ database, customers, outbox, owned, clock, newId }: RegisteringOptions): Registering {
  return {
    async create({ name, email }) {
      const customer = newCustomer({ id: newId(), name, email, nowMs: clock.now() })
      await database.transaction(async (tx) => {
        await owned.assertOwned(tx, customer.id)
        await customers.add(tx, customer)
        await outbox.add(tx, customerCreated(told(customer)))
      })
      // Who has registered buys next, and is asked for by those who sell.
      await owned.seen()
      return customer
    },

    takeOver: (imported) =>
      database.transaction(async (tx) => {
        await owned.assertOwned(tx)
        const nowMs = clock.now()
        const asCustomers = imported.map((customer) => newCustomer({ ...customer, nowMs }))
        const added = await customers.takeOver(tx, asCustomers)
        // Each once, also where a file has one twice: the first is the one that was stored.
        const firstById = new Map(asCustomers.toReversed().map((customer) => [customer.id, customer]))
        await outbox.add(tx, ...Array.from(added, (id) => customerImported(told(firstById.get(id)!))))
        return added.size
      }),
  }
}

function told({ id, email, creditLimitCents }: Customer): CustomerData {
  return { customerId: id, canBeBilled: canBeBilled(email), creditLimitCents }
}
