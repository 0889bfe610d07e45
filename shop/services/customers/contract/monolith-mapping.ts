import { defineMapping } from '@seaworthy/strangler/cut-over'
import { CUSTOMERS_TOPIC } from './events.ts'

const customers = {
  key: 'id',
  primaryKey: ['id'],
  columns: ['id', 'name', 'email', 'credit_limit_cents', 'created_at_ms', 'forgotten_at_ms'],
} as const

/** The monolith's customers, and the service's. */
export const customersMapping = defineMapping({
  name: 'customers',
  topic: CUSTOMERS_TOPIC,
  old: { customers },
  new: { customers },
  toNew: (entity) => entity,
  toOld: (entity) => entity,
})
