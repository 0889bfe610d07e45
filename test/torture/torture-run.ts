import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Random, seededRandom, sleep, systemClock } from 'seaworthy/core'
import type { Effects } from '@seaworthy/testing/fault-proxy'
import { checkout, request } from '../end-to-end/client.ts'
import { customersArrive, customersShop, type ShoppedOrder } from '../end-to-end/customers.ts'
import { expectedAfter, openedBooks, settled } from '../end-to-end/settled.ts'
import { startShop } from '../end-to-end/shop.ts'
import { inflict, type Victim } from './inflict.ts'
import { type FaultKind, lastsOn, type Plan, type PlannedFault } from './plan.ts'
import { smallDisk } from './small-disk.ts'
import { startSwitchboard } from './switchboard.ts'

export interface TortureOptions {
  readonly plan: Plan
  readonly customers: number
  /** What is switched off to show that the run notices: see shop/platform/switches.ts. */
  readonly without?: string
  /** Told each fault when it was over. Default: nobody. */
  readonly onFault?: (fault: PlannedFault, seen: boolean) => void
  /** Ends the run early; everything is taken down, and the reason thrown. */
  readonly signal?: AbortSignal
}

export interface Torture {
  /** What must not be. Empty when the shop kept its word. */
  readonly violations: readonly string[]
  /** For each kind of fault: how many were planned, and how many were seen to happen. */
  readonly faults: ReadonlyMap<FaultKind, { readonly planned: number; readonly seen: number }>
  /** What the fault proxies did to the bytes. */
  readonly effects: Effects
  /** Starts of a process after its first. */
  readonly restarts: number
  readonly orders: Readonly<Record<'completed' | 'rejected' | 'pending', number>>
  /** Checkouts that were sent once more after they had been answered. */
  readonly repeated: number
  /** From a customer's first request to the answer, in ms, in order. */
  readonly answerMs: readonly number[]
  /** From the last fault to books without a fault, in ms. */
  readonly settledAfterMs: number
}

const ANSWER_TIMEOUT_MS = 180_000
/** Longer than anything in the shop backs off: a letter waits 30 s at most. */
const UNCHANGED_MS = 45_000
const SYSTEM = fileURLToPath(new URL('proxied-system.ts', import.meta.url))

/** Customers shop while the plan's faults happen; then everything is healed, and when the shop is quiet its books are read. */
export async function torture(options: TortureOptions): Promise<Torture> {
  const { plan } = options
  const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-torture-'))
  try {
    using disk = plan.smallDisk === undefined ? undefined : smallDisk(dataDir, plan.smallDisk)
    await using switchboard = await startSwitchboard({ random: seededRandom(plan.seed + 1) })
    await using shop = await startShop({
      dataDir,
      system: SYSTEM,
      env: {
        SEAWORTHY_TORTURE_SWITCHBOARD: switchboard.url,
        ...(options.without !== undefined && { SHOP_WITHOUT: options.without }),
      },
    })
    return await tortured({ shop, switchboard, disk }, options)
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function tortured(victim: Victim, { plan, customers: count, onFault, signal }: TortureOptions): Promise<Torture> {
  const { shop, switchboard } = victim
  const ended = signal ?? new AbortController().signal
  const before = await openedBooks(shop)
  const customers = await customersArrive(shop.gateway, { count })

  const keys: string[] = []
  let isOver = false
  const browsing = new Browsing(shop.gateway, seededRandom(plan.seed + 2))
  const [faults, { answers, unanswered }] = await Promise.all([
    inflictAll(plan, victim, { onFault, signal: ended }).finally(() => (isOver = true)),
    customersShop(shop.gateway, {
      customers,
      random: seededRandom(plan.seed + 3),
      nextKey: () => (!isOver && !ended.aborted ? keys[keys.push(`torture-${plan.seed}-${keys.length}`) - 1] : undefined),
      timeoutMs: ANSWER_TIMEOUT_MS,
      afterwards: (order) => browsing.browse(order),
    }),
  ])
  ended.throwIfAborted()

  const healedAt = performance.now()
  const violations = [...unanswered, ...(await settled(shop, expectedAfter(before, { keys, answers }), { unchangedMs: UNCHANGED_MS }))]
  const orders = { completed: 0, rejected: 0, pending: 0 }
  for (const { status } of answers.values()) orders[status]++
  return {
    violations: [...violations, ...browsing.violations(answers)],
    faults,
    effects: switchboard.effects(),
    restarts: shop.processes().reduce((sum, { restarts }) => sum + restarts, 0),
    orders,
    repeated: browsing.repeated.size,
    answerMs: browsing.answerMs.toSorted((a, b) => a - b),
    settledAfterMs: performance.now() - healedAt,
  }
}

/** Each fault at its time, whatever the others do; one that lasts, after what lasts on the same thing. Resolves when all are over and taken away. */
async function inflictAll(
  plan: Plan,
  victim: Victim,
  { onFault, signal }: { onFault: TortureOptions['onFault']; signal: AbortSignal },
): Promise<Torture['faults']> {
  const counts = new Map<FaultKind, { planned: number; seen: number }>()
  const lasting = new Map<string, Promise<unknown>>()
  const startedAt = performance.now()
  await Promise.all(
    plan.faults.map(async (fault) => {
      const count = counts.get(fault.kind) ?? { planned: 0, seen: 0 }
      counts.set(fault.kind, count)
      count.planned++
      try {
        await sleep(systemClock, startedAt + fault.atMs - performance.now(), signal)
      } catch {
        return
      }
      const on = lastsOn(fault)
      const before = on === undefined ? undefined : lasting.get(on)
      const happening = Promise.resolve(before).then(() => inflict(fault, victim, signal))
      if (on !== undefined) lasting.set(on, happening)
      const seen = await happening
      if (seen) count.seen++
      onFault?.(fault, seen)
    }),
  )
  return counts
}

const REPEATED_SHARE = 0.1
const PAUSE_MS_MAX = 200

/** What customers do between two checkouts: they look around, and some send their last order once more, as an impatient browser does. */
class Browsing {
  readonly repeated = new Map<string, string>()
  readonly answerMs: number[] = []
  readonly #gateway: string
  readonly #random: Random

  constructor(gateway: string, random: Random) {
    this.#gateway = gateway
    this.#random = random
  }

  async browse({ key, checkout: order, tookMs }: ShoppedOrder): Promise<void> {
    this.answerMs.push(tookMs)
    await sleep(systemClock, this.#random.float() * PAUSE_MS_MAX)
    // What is asked here may fail: it brings traffic to the links, and nobody was promised an answer.
    await Promise.allSettled([
      request(`${this.#gateway}/api/products?page=1`, { timeoutMs: 2_000 }),
      request(`${this.#gateway}/api/customers/${order.customerId}/orders`, { timeoutMs: 2_000 }),
    ])
    if (this.#random.float() >= REPEATED_SHARE) return
    const again = await checkout(this.#gateway, order, { 'idempotency-key': key }).catch(() => undefined)
    if (again?.status === 201) this.repeated.set(key, again.body.orderId)
  }

  /** A key that stood for two orders. */
  violations(answers: ReadonlyMap<string, { readonly orderId: string }>): string[] {
    return [...this.repeated].flatMap(([key, orderId]) => {
      const first = answers.get(key)?.orderId
      return first === undefined || first === orderId ? [] : [`key ${key} was answered with order ${first}, then with order ${orderId}`]
    })
  }
}
