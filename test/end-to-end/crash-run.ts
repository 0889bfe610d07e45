import { seededRandom } from 'seaworthy/core'
import { customersArrive, customersShop } from './customers.ts'
import type { ShopEngines } from './engines.ts'
import { expectedAfter, openedBooks, settled } from './settled.ts'
import { type Shop, startShop } from './shop.ts'

export interface CrashRunOptions {
  /** At least. Customers go on until each victim was killed: a run whose faults never fire proves nothing. */
  readonly checkouts: number
  readonly clients: number
  /** Which services are killed, at random moments. */
  readonly victims: readonly string[]
  /** Time from one kill to the next, in ms, drawn evenly. */
  readonly killEveryMs: readonly [number, number]
  /** What is switched off to show that the run notices: see shop/platform/switches.ts. */
  readonly without?: string
  readonly seed: number
  /** Default: embedded ones. */
  readonly engines?: ShopEngines
  /** How many instances of a service, as in `orders=2`; any of them is killed. Default: one of each. */
  readonly scale?: readonly string[]
}

export interface CrashRun {
  /** What the books have that must not be. */
  readonly violations: readonly string[]
  readonly kills: Readonly<Record<string, number>>
  readonly orders: number
  readonly tookMs: number
}

/** The run that must leave the books right. */
export const CRASH_RUN = {
  checkouts: 200,
  clients: 8,
  victims: ['orders', 'payments', 'inventory', 'notifications'],
  killEveryMs: [1_000, 3_000],
} as const satisfies Partial<CrashRunOptions>

/** How long a kill waits for the victim before it to come back. */
const RECOVERY_WAIT_MS = 10_000
const ANSWER_TIMEOUT_MS = 120_000
/** So many times the checkouts that were asked for, and a victim that still was not killed never will be. */
const CHECKOUTS_FACTOR_MAX = 5

/** How often each victim was killed so far. */
type Kills = Record<string, number>

/** Customers check out and do not give up, while services are killed with SIGKILL; then the books are read. */
export async function crashRun(options: CrashRunOptions): Promise<CrashRun> {
  const startedAt = performance.now()
  await using shop = await startShop({
    ...(options.without !== undefined && { env: { SHOP_WITHOUT: options.without } }),
    ...(options.engines !== undefined && { engines: options.engines }),
    ...(options.scale !== undefined && { scale: options.scale }),
  })
  const before = await openedBooks(shop)
  const customers = await customersArrive(shop.gateway, { count: options.clients })
  const kills: Kills = Object.fromEntries([...options.victims, 'analytics'].map((victim) => [victim, 0]))
  const keys: string[] = []
  const nextKey = () => {
    const isEnough = keys.length >= options.checkouts && Object.values(kills).every((count) => count > 0)
    if (isEnough || keys.length >= options.checkouts * CHECKOUTS_FACTOR_MAX) return undefined
    const key = `crash-${options.seed}-${keys.length}`
    keys.push(key)
    return key
  }
  const customersAtWork = new AbortController()
  // Analytics counts, so that an event which is handled twice shows. Its own crashes are what brings events twice.
  const killing = Promise.all([
    killAtRandom(shop, options, kills, customersAtWork.signal),
    killAtRandom(shop, { victims: ['analytics'], killEveryMs: [500, 1_500], seed: options.seed + 10 }, kills, customersAtWork.signal),
  ])
  const { answers, unanswered } = await customersShop(shop.gateway, {
    customers,
    random: seededRandom(options.seed),
    nextKey,
    timeoutMs: ANSWER_TIMEOUT_MS,
  }).finally(() => customersAtWork.abort())
  await killing

  const violations = [...unanswered, ...(await settled(shop, expectedAfter(before, { keys, answers })))]
  return { violations, kills, orders: keys.length, tookMs: performance.now() - startedAt }
}

async function killAtRandom(
  shop: Shop,
  { victims, killEveryMs: [least, most], seed }: Pick<CrashRunOptions, 'victims' | 'killEveryMs' | 'seed'>,
  kills: Kills,
  signal: AbortSignal,
): Promise<void> {
  const random = seededRandom(seed + 1)
  for (let turn = 0; ;) {
    await new Promise((resolve) => setTimeout(resolve, least + random.float() * (most - least)))
    // On a slow machine, where a start takes longer than the time between two kills, there would never be all that a checkout needs.
    const before = victims.at((turn - 1) % victims.length)!
    const isBack = () => shop.instances(before).every(({ state }) => state === 'ready')
    for (const untilMs = performance.now() + RECOVERY_WAIT_MS; !isBack() && performance.now() < untilMs;)
      await new Promise((resolve) => setTimeout(resolve, 50))
    if (signal.aborted) return
    // In turns, so that each is hit, at moments that nobody chose.
    const victim = victims[turn % victims.length]!
    // Only what came back is killed again: on a slow machine it would otherwise never be there, and nothing would be tested.
    const instances = shop.instances(victim)
    const { pid, state } = instances[Math.floor(random.float() * instances.length)]!
    if (pid === null || state !== 'ready') continue
    try {
      process.kill(pid, 'SIGKILL')
      kills[victim] = (kills[victim] ?? 0) + 1
      turn++
    } catch {
      // It went by itself in this moment; the supervisor is bringing it back.
    }
  }
}
