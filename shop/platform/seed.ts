import { ConfigurationError } from 'seaworthy/core'

const DEFAULT_SEED = 20_261_123

/**
 * Which shop to invent at the first start: `SHOP_SEED`, a whole number; another number is another shop. Undefined for `SHOP_SEED=none`:
 * the databases stay empty.
 * @throws ConfigurationError when it is neither
 */
export function readSeed(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const text = env['SHOP_SEED'] ?? ''
  if (text === '') return DEFAULT_SEED
  if (text === 'none') return undefined
  const seed = Number(text)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new ConfigurationError(`SHOP_SEED is "${text}". Use a whole number from 0, or "none".`)
  return seed
}
