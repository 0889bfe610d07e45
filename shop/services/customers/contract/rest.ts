import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'
import { id, text } from '../../../platform/text.ts'
import { RECORDS_MAX, takeOverOutcome } from '../../../platform/take-over.ts'
import { importedCustomer } from './import.ts'

const customer = z.object({
  id,
  name: z.string(),
  email: z.string(),
  creditLimitCents: z.int().min(0).meta({ description: 'What one order may cost at most.' }),
  createdAt: z.iso.datetime(),
})

/** What is asked about customers, through the gateway and by other services. */
export const customersApi = restContract({
  title: 'Customers',
  version: '1.0.0',
  operations: {
    createCustomer: {
      method: 'POST',
      path: '/api/customers',
      summary: 'Become a customer',
      body: z.object({ name: text.trim().min(1).max(200), email: z.email().max(254) }),
      responses: { 201: customer },
    },
    getCustomer: {
      method: 'GET',
      path: '/api/customers/{id}',
      summary: 'A customer',
      params: z.object({ id }),
      responses: { 200: customer },
    },
    forgetCustomer: {
      method: 'DELETE',
      path: '/api/customers/{id}',
      summary: 'Be forgotten',
      description:
        'Erases name and address here at once, and everywhere else by an event. Orders and payments stay, under an id that is nobody. Safe to repeat.',
      params: z.object({ id }),
      responses: { 204: null },
    },
  },
})

/** Taking over from other systems. On the service's own port, never routed by the gateway. What is known already is left as it is. */
export const customersImport = restContract({
  title: 'Import into customers',
  version: '1.0.0',
  operations: {
    importCustomers: {
      method: 'POST',
      path: '/internal/import/customers',
      summary: 'Take over customers',
      body: z.object({ customers: z.array(importedCustomer).min(1).max(RECORDS_MAX) }),
      responses: { 200: takeOverOutcome },
    },
  },
})
