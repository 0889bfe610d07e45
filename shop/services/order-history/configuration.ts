import { ConfigurationError } from 'seaworthy/core'
import type { OrderHistoryOptions } from './composition.ts'

const ROLES = ['both', 'reader', 'writer'] as const

/**
 * `SHOP_HISTORY_STORE`: a URL of PostgreSQL or Redis, for the read model. `SHOP_HISTORY_ROLE`: `reader` or `writer`, where both are scaled apart; a reader
 * needs a store that others can write.
 * @throws ConfigurationError
 */
export function readHistoryOptions(env: NodeJS.ProcessEnv = process.env): OrderHistoryOptions {
  const storeUrl = env['SHOP_HISTORY_STORE']
  const named = env['SHOP_HISTORY_ROLE'] ?? 'both'
  const role = ROLES.find((known) => known === named)
  if (role === undefined) throw new ConfigurationError(`SHOP_HISTORY_ROLE is ${named}. It may be ${ROLES.join(', ')}.`)
  if (role !== 'both' && storeUrl === undefined) {
    throw new ConfigurationError(`A ${role} alone needs a store that it shares with others: name it in SHOP_HISTORY_STORE.`)
  }
  return { storeUrl, role }
}
