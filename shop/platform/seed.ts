import { ConfigurationError, newId, rootContext, withContext } from 'seaworthy/core'

const DEFAULT_SEED = 20_261_123

/**
 * Calls `invent` with the number of the shop to fill an empty database with: `SHOP_SEED`, a whole number; another number is another shop. Not for
 * `SHOP_SEED=none`: the databases stay empty.
 *
 * What it publishes belongs to one trace that is marked as not sampled (W3C Trace Context, section 3.2.2.5), and nobody records it: hundreds of made-up
 * customers would be hundreds of traces at the first start.
 * @throws ConfigurationError when `SHOP_SEED` is neither
 */
export async function seeding(invent: (seed: number) => Promise<unknown>, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const seed = readSeed(env)
  if (seed === undefined) return
  const id = newId().replaceAll('-', '')
  await withContext(rootContext({ traceparent: `00-${id}-${id.slice(16)}-00` }), () => invent(seed))
}

function readSeed(env: NodeJS.ProcessEnv): number | undefined {
  const text = env['SHOP_SEED'] ?? ''
  if (text === '') return DEFAULT_SEED
  if (text === 'none') return undefined
  const seed = Number(text)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new ConfigurationError(`SHOP_SEED is "${text}". Use a whole number from 0, or "none".`)
  return seed
}
