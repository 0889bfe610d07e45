import { ConfigurationError } from 'seaworthy/core'

/**
 * Safety nets that a test may take away, to prove that it would notice: a crash test that passes without the inbox tests nothing. Named in
 * `SHOP_WITHOUT`, as in `SHOP_WITHOUT=inbox,idempotency-keys`. Never set outside a test; each process says loudly that it is.
 */
export const SAFETY_NETS = ['inbox', 'idempotency-keys', 'unknown-outcome'] as const

type SafetyNet = (typeof SAFETY_NETS)[number]

export interface Switches {
  /** True unless the safety net was taken away. */
  has(net: SafetyNet): boolean
  /** Those that were taken away. */
  readonly missing: readonly SafetyNet[]
}

/** @throws ConfigurationError for a name that is no safety net: a test that switches off nothing would pass for the wrong reason */
export function readSwitches(env: NodeJS.ProcessEnv = process.env): Switches {
  const named = (env['SHOP_WITHOUT'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const unknown = named.filter((name) => !SAFETY_NETS.some((net) => net === name))
  if (unknown.length > 0) {
    throw new ConfigurationError(`SHOP_WITHOUT names ${unknown.join(', ')}. The safety nets are: ${SAFETY_NETS.join(', ')}.`)
  }
  const missing = SAFETY_NETS.filter((net) => named.includes(net))
  return { missing, has: (net) => !missing.includes(net) }
}
