import { rootContext, type CallContext } from 'seaworthy/core'
import { hedge } from 'seaworthy/resilience'
import type { Metric, Round } from '../../harness/suite.ts'
import { gapMs, quantile, takes, world } from './simulated-time.ts'

const SLOW_SHARE = 0.02
const USUAL = { factor: 1, slowShare: SLOW_SHARE }

/** @param second what calls are like from the middle of the run on, where they are counted */
async function run(seed: number, requests: number, second: { readonly factor: number; readonly slowShare: number }) {
  const { clock, random } = world(seed)
  const hedged = hedge({ idempotent: true }, { name: 'search', clock })
  const latencies: number[] = []
  const bare: number[] = []
  let now: typeof USUAL = USUAL
  const latencyMs = () => (8 + 4 * random.float()) * (random.float() < now.slowShare ? 20 : 1) * now.factor
  const body = (_call: CallContext) => takes(clock, latencyMs())
  let hedgesBefore = 0
  for (let index = 0; index < requests * 2; index++) {
    // The first half teaches it what is usual.
    if (index === requests) {
      now = second
      hedgesBefore = hedged.snapshot().hedges
    }
    const startedMs = clock.monotonicMs()
    const isCounted = index >= requests
    void hedged.run(body, rootContext()).then(() => void (isCounted && latencies.push(clock.monotonicMs() - startedMs)))
    if (isCounted) bare.push(latencyMs())
    await clock.advance(gapMs(100, random.float()))
  }
  await clock.advance(60_000)
  return {
    p99: quantile(latencies, 0.99),
    bareP99: quantile(bare, 0.99),
    extraPercent: ((hedged.snapshot().hedges - hedgesBefore) / requests) * 100,
  }
}

export const hedgingMetrics: readonly Metric[] = [
  {
    name: 'hedge-p99',
    unit: 'ms, 99th percentile',
    better: 'lower',
    peer: 'the same backend without hedging',
    target: { ratioMax: 0.5 },
    note: 'Simulated time. Two calls in a hundred take twenty times as long as the others.',
    async simulate(seed, { quick }): Promise<Round> {
      const { p99, bareP99 } = await run(seed, quick ? 500 : 5_000, USUAL)
      return { ours: p99, peer: bareP99 }
    },
  },
  {
    name: 'hedge-extra',
    unit: 'percent of calls made twice',
    better: 'lower',
    peer: 'no hedging',
    target: { oursMax: 3 },
    note: 'Simulated time, the backend of hedge-p99.',
    async simulate(seed, { quick }): Promise<Round> {
      return { ours: (await run(seed, quick ? 500 : 5_000, USUAL)).extraPercent, peer: 0 }
    },
  },
  {
    name: 'hedge-all-slow',
    unit: 'percent of calls made twice',
    better: 'lower',
    peer: 'no hedging',
    target: { oursMax: 0.5 },
    note: 'Simulated time. From the middle of the run on every call takes ten times as long; the moment of the change is counted.',
    async simulate(seed): Promise<Round> {
      return { ours: (await run(seed, 1_500, { factor: 10, slowShare: 0 })).extraPercent, peer: 0 }
    },
  },
]
