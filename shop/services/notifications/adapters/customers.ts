import type { RestClient } from '@seaworthy/rpc/rest'
import { orNothing } from '../../../platform/or-nothing.ts'
import type { customersApi } from '../../customers/contract/rest.ts'
import type { Customers } from '../application/ports.ts'

/** What a letter needs of customers, asked of whoever owns them today. */
export function customersOver(customers: RestClient<(typeof customersApi)['operations']>): Customers {
  return {
    async recipient(customerId) {
      const found = await orNothing(() => customers.getCustomer({ params: { id: customerId } }))
      return found && { customerId, name: found.body.name, email: found.body.email }
    },
  }
}
