import type { PaymentsOptions } from './composition.ts'

/** `SHOP_PAYMENTS_STORE`: a URL of PostgreSQL or Redis, for the statements of customers. */
export function readPaymentsOptions(env: NodeJS.ProcessEnv = process.env): PaymentsOptions {
  return { storeUrl: env['SHOP_PAYMENTS_STORE'] }
}
