import {
  bulkhead,
  circuitBreaker,
  CountBreaker,
  ExponentialBackoff,
  handleAll,
  type IPolicy,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel'
import { exponential } from 'seaworthy/core'
import { countWindow, policy } from 'seaworthy/resilience'
import { allocatedBytesPerCall, cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { call, sink } from './call.ts'

function ourPolicy() {
  return policy(
    {
      timeout: { attemptMs: 300, totalMs: 800 },
      retry: { attemptsMax: 3, backoff: exponential({ baseMs: 50, maxMs: 1_000 }), budget: { ratio: 0.2 } },
      circuitBreaker: { failureRate: 0.5, window: countWindow(50), openMs: 5_000, probesMax: 3 },
      bulkhead: { concurrencyMax: 16, queueMax: 32 },
    },
    { name: 'stock' },
  )
}

/** The same four parts. It has no retry budget, and its timeout bounds the attempt alone. */
function cockatielPolicy(): IPolicy {
  return wrap(
    retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 1_000 }) }),
    circuitBreaker(handleAll, { halfOpenAfter: 5_000, breaker: new CountBreaker({ threshold: 0.5, size: 50 }) }),
    bulkhead(16, 32),
    timeout(300, TimeoutStrategy.Aggressive),
  )
}

async function bareLoop(calls: number): Promise<void> {
  for (let index = 0; index < calls; index++) sink.value = await call()
}

function ourLoop() {
  const guarded = ourPolicy()
  return async (calls: number) => {
    for (let index = 0; index < calls; index++) sink.value = await guarded.run(call)
  }
}

function cockatielLoop() {
  const guarded = cockatielPolicy()
  return async (calls: number) => {
    for (let index = 0; index < calls; index++) sink.value = await guarded.execute(call)
  }
}

const callsOf = (quick: boolean, full: number) => (quick ? Math.ceil(full / 4) : full)

export const bareCpu: Contender =
  async ({ quick }) =>
  () =>
    cpuNsPerCall(bareLoop, callsOf(quick, 500_000))

export const ourCpu: Contender = async ({ quick }) => {
  const loop = ourLoop()
  return () => cpuNsPerCall(loop, callsOf(quick, 100_000))
}

export const cockatielCpu: Contender = async ({ quick }) => {
  const loop = cockatielLoop()
  return () => cpuNsPerCall(loop, callsOf(quick, 10_000))
}

export const ourBytes: Contender = async () => {
  const loop = ourLoop()
  await loop(200_000)
  return () => allocatedBytesPerCall(loop, 10_000)
}

export const cockatielBytes: Contender = async () => {
  const loop = cockatielLoop()
  await loop(10_000)
  return () => allocatedBytesPerCall(loop, 2_000)
}

const module = import.meta.url
const description = { better: 'lower', unit: 'ns of CPU per call' } as const

export const fusedMetrics: readonly Metric[] = [
  {
    ...description,
    name: 'fused-success',
    peer: 'bare await fn()',
    target: { ratioMax: 10 },
    note: 'Timeout, retry with a budget, circuit breaker and bulkhead around a call that succeeds.',
    contenders: { ours: { module, name: 'ourCpu' }, peer: { module, name: 'bareCpu' } },
  },
  {
    ...description,
    name: 'fused-success-cockatiel',
    peer: 'cockatiel',
    target: { ratioMax: 1 / 12 },
    contenders: { ours: { module, name: 'ourCpu' }, peer: { module, name: 'cockatielCpu' } },
  },
  {
    name: 'fused-bytes',
    unit: 'bytes allocated per call',
    better: 'lower',
    peer: 'cockatiel',
    target: { oursMax: 1_024 },
    note: 'The measured call and the loop that awaits it are included.',
    contenders: { ours: { module, name: 'ourBytes' }, peer: { module, name: 'cockatielBytes' } },
  },
]
