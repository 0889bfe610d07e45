import { BrokenCircuitError, circuitBreaker as cockatielBreaker, ConsecutiveBreaker, CountBreaker, handleAll } from 'cockatiel'
import { circuitBreaker, countWindow, timeWindow } from 'seaworthy/resilience'
import { cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { call, sink } from './call.ts'

const callsOf = (quick: boolean, full: number) => (quick ? Math.ceil(full / 4) : full)

async function repeated(times: number, guarded: () => Promise<unknown>): Promise<void> {
  for (let index = 0; index < times; index++) sink.value = await guarded()
}

export const bareSuccess: Contender =
  async ({ quick }) =>
  () =>
    cpuNsPerCall(
      async (calls) => {
        for (let index = 0; index < calls; index++) sink.value = await call()
      },
      callsOf(quick, 500_000),
    )

export const ourSuccess: Contender = async ({ quick }) => {
  const breaker = circuitBreaker({ failureRate: 0.5, window: countWindow(50), openMs: 5_000 }, { name: 'stock' })
  return () =>
    cpuNsPerCall(
      async (calls) => {
        for (let index = 0; index < calls; index++) sink.value = await breaker.run(call)
      },
      callsOf(quick, 300_000),
    )
}

export const cockatielSuccess: Contender = async ({ quick }) => {
  const breaker = cockatielBreaker(handleAll, { halfOpenAfter: 5_000, breaker: new CountBreaker({ threshold: 0.5, size: 50 }) })
  return () =>
    cpuNsPerCall(
      async (calls) => {
        for (let index = 0; index < calls; index++) sink.value = await breaker.execute(call)
      },
      callsOf(quick, 100_000),
    )
}

const fails = async (): Promise<number> => {
  throw DOWN
}
const DOWN = new Error('down')

/** Calls an open breaker `calls` times; each must answer with an error of its own. */
function rejectionsPerSecond(rejected: () => Promise<unknown>, isRejection: (error: unknown) => boolean, calls: number) {
  return async () => {
    let last: unknown
    const ns = await cpuNsPerCall(async (times) => {
      for (let index = 0; index < times; index++) {
        try {
          await rejected()
          throw new Error('The breaker is not open.')
        } catch (error) {
          if (error === last || !isRejection(error)) throw error
          last = error
        }
      }
    }, calls)
    return 1e9 / ns
  }
}

export const ourRejections: Contender = async ({ quick }) => {
  const breaker = circuitBreaker({ consecutiveFailures: 1, openMs: 3_600_000 }, { name: 'stock' })
  await breaker.run(fails).catch(() => undefined)
  return rejectionsPerSecond(
    () => breaker.run(call),
    (error) => error instanceof Error && error.name === 'BrokenCircuitError',
    callsOf(quick, 50_000),
  )
}

export const cockatielRejections: Contender = async ({ quick }) => {
  const breaker = cockatielBreaker(handleAll, { halfOpenAfter: 3_600_000, breaker: new ConsecutiveBreaker(1) })
  await breaker.execute(fails).catch(() => undefined)
  return rejectionsPerSecond(
    () => breaker.execute(call),
    (error) => error instanceof BrokenCircuitError,
    callsOf(quick, 50_000),
  )
}

/** A failing call when the window holds so many samples already, none of which opened the breaker. */
async function ourFailureCost(samples: number, calls: number): Promise<number> {
  const breaker = circuitBreaker(
    { failureRate: 1, window: timeWindow(3_600_000), minimumCalls: 1_000_000_000, openMs: 5_000 },
    { name: 'stock' },
  )
  await repeated(samples, () => breaker.run(fails).catch(() => undefined))
  return cpuNsPerCall((times) => repeated(times, () => breaker.run(fails).catch(() => undefined)), calls)
}

export const ourFailureAt50k: Contender =
  async ({ quick }) =>
  () =>
    ourFailureCost(50_000, callsOf(quick, 50_000))
export const ourFailureAt100: Contender =
  async ({ quick }) =>
  () =>
    ourFailureCost(100, callsOf(quick, 50_000))

const module = import.meta.url

export const circuitBreakerMetrics: readonly Metric[] = [
  {
    name: 'breaker-success',
    unit: 'ns of CPU per call',
    better: 'lower',
    peer: 'bare await fn()',
    target: { ratioMax: 3 },
    contenders: { ours: { module, name: 'ourSuccess' }, peer: { module, name: 'bareSuccess' } },
  },
  {
    name: 'breaker-success-cockatiel',
    unit: 'ns of CPU per call',
    better: 'lower',
    peer: 'cockatiel',
    target: { ratioMax: 1 },
    contenders: { ours: { module, name: 'ourSuccess' }, peer: { module, name: 'cockatielSuccess' } },
  },
  {
    name: 'open-rejections',
    unit: 'rejections per second of CPU',
    better: 'higher',
    peer: 'cockatiel',
    target: { ratioMin: 3 },
    note: 'Each rejection is an error of its own, caught by its caller.',
    contenders: { ours: { module, name: 'ourRejections' }, peer: { module, name: 'cockatielRejections' } },
  },
  {
    name: 'failure-50k',
    unit: 'ns of CPU per failed call',
    better: 'lower',
    peer: 'ours with 100 samples in the window',
    target: { ratioMax: 1.2 },
    note: 'Both are ours: what a failure costs when a time window holds 50,000 samples, and when it holds 100.',
    contenders: { ours: { module, name: 'ourFailureAt50k' }, peer: { module, name: 'ourFailureAt100' } },
  },
]
