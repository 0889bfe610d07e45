import { type CallContext, rootContext } from 'seaworthy/core'
import { adaptiveConcurrency, bulkhead, type Guard, type Priority } from 'seaworthy/resilience'
import type { VirtualClock } from '@seaworthy/testing'
import type { Metric, Round } from '../../harness/suite.ts'
import { gapMs, quantile, takes, world } from './simulated-time.ts'

const WORKERS = 20
const SERVICE_MS = { min: 5, max: 15 }
const CAPACITY_PER_SECOND = (WORKERS * 1_000) / ((SERVICE_MS.min + SERVICE_MS.max) / 2)
/** What its callers still have a use for. */
const USEFUL_MS = 200

/** A receiver with so many workers and a queue without bounds, as most are. */
function receiver(clock: VirtualClock, float: () => number) {
  let busy = 0
  const waiting: (() => void)[] = []
  return async () => {
    if (busy >= WORKERS) await new Promise<void>((resolve) => void waiting.push(resolve))
    else busy++
    await takes(clock, SERVICE_MS.min + (SERVICE_MS.max - SERVICE_MS.min) * float())
    const next = waiting.shift()
    if (next === undefined) busy--
    else next()
  }
}

interface Load {
  readonly criticalPerSecond: number
  readonly sheddablePerSecond: number
  readonly seconds: number
}

/** @returns critical calls answered in time, per second, and the 99th percentile of those answered, after a warm-up */
async function run(seed: number, load: Load, guardFor: (clock: VirtualClock) => Guard) {
  const { clock, random } = world(seed)
  const guard = guardFor(clock)
  const serve = receiver(clock, () => random.float())
  const warmUpMs = 2_000
  const latencies: number[] = []
  let useful = 0
  const arrive = async (priority: Priority) => {
    const startedMs = clock.monotonicMs()
    try {
      await guard.run(serve, rootContext({ actor: priority }))
    } catch {
      return
    }
    if (priority !== 'critical' || startedMs < warmUpMs) return
    const tookMs = clock.monotonicMs() - startedMs
    latencies.push(tookMs)
    if (tookMs <= USEFUL_MS) useful++
  }
  const endMs = warmUpMs + load.seconds * 1_000
  const total = load.criticalPerSecond + load.sheddablePerSecond
  while (clock.monotonicMs() < endMs) {
    void arrive(random.float() * total < load.criticalPerSecond ? 'critical' : 'sheddable')
    await clock.advance(gapMs(total, random.float()))
  }
  await clock.advance(600_000)
  return { goodput: useful / load.seconds, p99: quantile(latencies, 0.99) }
}

const priorityOf = (context: CallContext) => (context.actor === 'critical' ? 'critical' : 'sheddable') as Priority
const adaptive = (clock: VirtualClock) => adaptiveConcurrency({ initial: 10, queueMax: 10 }, { name: 'orders', clock, priorityOf })
const unguarded = (clock: VirtualClock) => bulkhead({ concurrencyMax: 1_000_000 }, { name: 'orders', clock })

// Critical calls alone would be more than enough; with the others there is three times as much as the receiver can do.
const overload = (quick: boolean): Load => ({
  criticalPerSecond: 1.5 * CAPACITY_PER_SECOND,
  sheddablePerSecond: 1.5 * CAPACITY_PER_SECOND,
  seconds: quick ? 1 : 5,
})

export const overloadMetrics: readonly Metric[] = [
  {
    name: 'overload-goodput',
    unit: 'percent of the capacity that critical calls get, answered in time',
    better: 'higher',
    peer: 'no limit',
    target: { oursMin: 95 },
    note: `Simulated time. ${WORKERS} workers; critical calls arrive at 1.5 times the rate of its capacity, and sheddable ones at 1.5 times.`,
    async simulate(seed, { quick }): Promise<Round> {
      const ours = await run(seed, overload(quick), adaptive)
      const peer = await run(seed, overload(quick), unguarded)
      return { ours: (ours.goodput / CAPACITY_PER_SECOND) * 100, peer: (peer.goodput / CAPACITY_PER_SECOND) * 100 }
    },
  },
  {
    name: 'overload-p99',
    unit: 'ms, 99th percentile of critical calls',
    better: 'lower',
    peer: 'the same receiver at half its capacity',
    target: { ratioMax: 2 },
    note: 'Simulated time, the load of overload-goodput.',
    async simulate(seed, { quick }): Promise<Round> {
      const ours = await run(seed, overload(quick), adaptive)
      const calm = { criticalPerSecond: CAPACITY_PER_SECOND / 2, sheddablePerSecond: 0, seconds: quick ? 1 : 5 }
      return { ours: ours.p99, peer: (await run(seed, calm, unguarded)).p99 }
    },
  },
]
