import { NotFoundError } from 'seaworthy/core'
import type { Erasure } from 'seaworthy/event-sourcing'
import type { ServeRest } from '../../../platform/service-ports.ts'
import { takenOver } from '../../../platform/take-over.ts'
import type { CustomerRepository } from '../application/ports.ts'
import type { Registering } from '../application/registering.ts'
import { customersApi, customersImport } from '../contract/rest.ts'
import type { Customer } from '../domain/customer.ts'

export function serveCustomers(
  serve: ServeRest,
  { registering, customers, people }: { registering: Registering; customers: CustomerRepository; people: Erasure },
): void {
  serve(customersApi, {
    createCustomer: async ({ body }) => {
      const customer = await registering.create(body)
      return { status: 201, headers: { location: `/api/customers/${customer.id}` }, body: shown(customer) }
    },
    getCustomer: async ({ params }) => {
      const customer = await customers.find(params.id)
      if (customer === undefined) throw new NotFoundError(`There is no customer ${params.id}.`)
      return { status: 200, body: shown(customer) }
    },
    forgetCustomer: async ({ params }) => {
      await people.forget(params.id)
      return { status: 204 }
    },
  })
  serve(customersImport, {
    importCustomers: async ({ body }) => takenOver(body.customers, await registering.takeOver(body.customers)),
  })
}

function shown({ createdAtMs, ...customer }: Customer) {
  return { ...customer, createdAt: new Date(createdAtMs).toISOString() }
}
