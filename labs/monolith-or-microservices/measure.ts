import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { newId, sleep, systemClock } from 'seaworthy/core'
import { arrivals, type Kind, type Load, READS } from './arrivals.ts'
import { Asking } from './ask.ts'
import { type Audit, audit, repeat } from './audit.ts'
import { type Answer, Customers, type Purchase } from './customers.ts'
import { POISONOUS_CENTS } from './planted-defect.ts'
import { type Away, RunningSide } from './running-side.ts'
import type { Side, SideName } from './sides.ts'
import { cpuMsOf, type Usage } from './usage.ts'

type Rate = Pick<Load, 'perSecond' | 'seconds'>

/** What is done to each side: the same, at the same times. */
export interface Plan {
  readonly seed: number
  /**
   * Whether a first start invents the shop's data and ends, and the second one is measured. A process is larger ever after for what it needed to invent them, and the
   * services share that out over more processes.
   */
  readonly isStartedTwice: boolean
  readonly warmUp: Rate
  /** Arrivals of all kinds: how long they wait. */
  readonly mixed: Rate
  /** How long nobody comes, so that what a side uses then can be told from what requests use. */
  readonly idleMs: number
  /** Arrivals of readers alone, and of buyers alone: what one of them takes of the processor. */
  readonly reads: Rate
  readonly checkouts: Rate
  /** Rates that are tried one after another, until one is not held. */
  readonly ladder: { readonly perSecond: readonly number[]; readonly seconds: number }
  /** Arrivals during the deploy, and during the crash. */
  readonly disturbed: Rate
  /** When in that time the deploy, or the crash, begins. */
  readonly disturbedAtMs: number
}

/** A rate at which people came, and what became of them. */
export interface Step {
  readonly perSecond: number
  readonly answers: readonly Answer[]
}

/** All that was seen of a side. Times of a phase in milliseconds since it began. */
export interface Measured {
  readonly side: SideName
  /** That somebody owns: a file each, here. */
  readonly databases: number
  /** From the start of all processes until they take work. */
  readonly startMs: number
  readonly mixed: readonly Answer[]
  /** After the mixed load. */
  readonly usage: readonly Usage[]
  /** Of the processor, while nobody came: milliseconds in a second. */
  readonly idleCpuMs: number
  /** What each of them took beyond that. */
  readonly cpuMs: Readonly<Record<'read' | 'checkout', number>>
  readonly ladder: readonly Step[]
  readonly deploy: { readonly answers: readonly Answer[]; readonly commandAtMs: number; readonly readyAtMs: number }
  readonly crash: { readonly answers: readonly Answer[]; readonly poisonAtMs: number; readonly away: Away }
  /** Two more of what does payments. */
  readonly more: readonly Usage[]
  readonly audit: Audit
}

export interface MeasureOptions {
  readonly plan: Plan
  readonly outDir: string
  readonly say: (text: string) => void
  /** Whether a rate was held, so that a higher one is worth trying. */
  readonly isHeld: (step: Step) => boolean
}

const BUYS: readonly Kind[] = ['checkout']
/** What a checkout sets off goes on after its answer. */
const SETTLED_AFTER_MS = 1_000
const MORE = 2

/** Does to a side what the plan says. */
export async function measure(side: Side, { plan, outDir, say, isHeld }: MeasureOptions): Promise<Measured> {
  const dataDir = join(outDir, side.name)
  rmSync(dataDir, { recursive: true, force: true })
  const options = { side, dataDir, outDir }
  if (plan.isStartedTwice) await (await RunningSide.start(options))[Symbol.asyncDispose]()
  const beganMs = systemClock.monotonicMs()
  await using running = await RunningSide.start(options)
  const startMs = systemClock.monotonicMs() - beganMs
  using shop = new Asking(running.url)
  using ledger = new Asking(running.paying.httpUrl)
  const customers = new Customers(shop, newId())
  const { seed } = plan
  const come = (phase: string, rate: Rate, kinds?: readonly Kind[], fromMs?: number) =>
    customers.come(phase, arrivals({ seed, ...rate, ...(kinds !== undefined && { kinds }) }), fromMs)

  await come('warm-up', plan.warmUp)
  say(`${plan.mixed.perSecond} arrivals a second, of all kinds`)
  const mixed = await come('mixed', plan.mixed)
  const usage = await running.usage()
  say('readers alone; buyers alone; nobody')
  await sleep(systemClock, SETTLED_AFTER_MS)
  const alone = (phase: string, rate: Rate, kinds: readonly Kind[]) =>
    cpuOf(running, async () => {
      const { length } = await come(phase, rate, kinds)
      await sleep(systemClock, SETTLED_AFTER_MS)
      return length
    })
  const reads = await alone('reads', plan.reads, READS)
  const checkouts = await alone('checkouts', plan.checkouts, BUYS)
  // Last, when what those before have set off is over.
  await sleep(systemClock, SETTLED_AFTER_MS)
  const idle = await cpuOf(running, async () => {
    await sleep(systemClock, plan.idleMs)
    return 0
  })
  const idleCpuMs = idle.cpuMs / idle.seconds
  const each = ({ cpuMs, seconds, count }: CpuUse) => Math.max(0, cpuMs - idleCpuMs * seconds) / Math.max(1, count)
  const cpuMs = { read: each(reads), checkout: each(checkouts) }

  const ladder: Step[] = []
  for (const perSecond of plan.ladder.perSecond) {
    say(`${perSecond} arrivals a second`)
    const step = { perSecond, answers: await come(`ladder ${perSecond}`, { perSecond, seconds: plan.ladder.seconds }) }
    ladder.push(step)
    if (!isHeld(step)) break
  }
  await repeat(customers)

  say(`a new release of payments: ${side.paying} is replaced`)
  const disturbed = async <Seen>(phase: string, disturb: (now: () => number) => Promise<Seen>) => {
    const fromMs = systemClock.monotonicMs()
    const now = () => systemClock.monotonicMs() - fromMs
    const coming = come(phase, plan.disturbed, undefined, fromMs)
    await sleep(systemClock, plan.disturbedAtMs)
    const seen = await disturb(now)
    return { answers: await coming, ...seen }
  }
  const deploy = await disturbed('deploy', async (now) => {
    const commandAtMs = now()
    await running.deploy('careless')
    return { commandAtMs, readyAtMs: now() }
  })
  say('a charge that the new release cannot print')
  const dear = await dearPurchase(shop, customers)
  const crash = await disturbed('crash', async (now) => {
    const poisonAtMs = now()
    const away = running.awayAndBack(now)
    await customers.buy(dear)
    return { poisonAtMs, away: await away }
  })

  const repeated = await repeat(customers)
  const { purchases } = customers
  return {
    side: side.name,
    databases: side.system.services.flatMap(({ owns }) => owns).length,
    startMs,
    mixed,
    usage,
    idleCpuMs,
    cpuMs,
    ladder,
    deploy,
    crash,
    audit: await audit(shop, { purchases, repeated, ledger }),
    more: await running.usageOfMore(MORE),
  }
}

interface CpuUse {
  readonly cpuMs: number
  readonly seconds: number
  /** How much was done meanwhile. */
  readonly count: number
}

/** What a side takes of the processor while something is done. @param work tells how much it was */
async function cpuOf(running: RunningSide, work: () => Promise<number>): Promise<CpuUse> {
  const before = cpuMsOf(await running.usage())
  const fromMs = systemClock.monotonicMs()
  const count = await work()
  const cpuMs = cpuMsOf(await running.usage()) - before
  return { cpuMs, seconds: (systemClock.monotonicMs() - fromMs) / 1_000, count }
}

interface Product {
  readonly id: string
  readonly priceCents: number
}

/** So many pieces of something dear that the amount does not fit on a slip, and that the parcel still takes. */
async function dearPurchase(shop: Asking, customers: Customers): Promise<Purchase> {
  const quantity = 90
  const { items } = await shop.json<{ readonly items: readonly Product[] }>({ path: '/api/products?pageSize=100' })
  const product = items.find(({ priceCents }) => priceCents * quantity >= POISONOUS_CENTS)
  if (product === undefined) throw new Error('None of the first products is dear enough.')
  return customers.wish('customer-1', { productId: product.id, quantity })
}
