import type { RestClient } from '@seaworthy/rpc/rest'
import type { customersApi } from '../../customers/contract/rest.ts'
import type { Payers } from '../application/charging.ts'

/** Payers, asked of whoever owns the customers today. */
export function payersOver(customers: RestClient<(typeof customersApi)['operations']>): Payers {
  return {
    payer: (id) =>
      customers.getCustomer({ params: { id } }).then(
        ({ body: { name, email } }) => ({ name, email }),
        () => undefined,
      ),
  }
}
