import { type CallContext, exponential, rootContext, UnavailableError } from 'seaworthy/core'
import { type Guard, policy } from 'seaworthy/resilience'
import type { Metric, Round } from '../../harness/suite.ts'
import { gapMs, world } from './simulated-time.ts'

const HOPS = 4
const REQUESTS_PER_SECOND = 50

/** Four services in a row, each of which tries its call to the next one four times; behind the last one is the leaf. */
function chain(policies: readonly Guard[], leaf: () => Promise<string>) {
  const hop =
    (index: number) =>
    (context: CallContext): Promise<string> =>
      index === policies.length ? leaf() : policies[index]!.run(hop(index + 1), context)
  return hop(0)
}

/** @param faults share of the leaf's calls that fail @param withBudget false: retries as they are often written */
async function run(seed: number, { faults, requests, withBudget }: { faults: number; requests: number; withBudget: boolean }) {
  const { clock, random } = world(seed)
  const retry = {
    attemptsMax: 4,
    backoff: exponential({ baseMs: 10, maxMs: 100 }),
    ...(withBudget && { budget: { ratio: 0.2, tokensMax: 20 } }),
  }
  const policies = Array.from({ length: HOPS }, (_, index) =>
    policy({ idempotent: true, retry }, { name: `hop-${index + 1}`, clock, random }),
  )
  let leafCalls = 0
  // Without the mark in the context no hop knows that the one above tries again too.
  const start = chain(withBudget ? policies : policies.map(unaware), async () => {
    leafCalls++
    if (random.float() < faults) throw new UnavailableError('fault')
    return 'done'
  })
  let succeeded = 0
  let counted = 0
  let leafCallsBefore = 0
  const warmUp = withBudget ? requests / 5 : 0
  const ended: Promise<void>[] = []
  for (let index = 0; index < requests + warmUp; index++) {
    // The tokens that a new policy starts with are spent first: what is measured is the steady state.
    if (index === warmUp) leafCallsBefore = leafCalls
    const isCounted = index >= warmUp
    if (isCounted) counted++
    ended.push(
      start(rootContext()).then(
        () => void (succeeded += isCounted ? 1 : 0),
        () => undefined,
      ),
    )
    await clock.advance(gapMs(REQUESTS_PER_SECOND, random.float()))
  }
  await clock.advance(60_000)
  await Promise.all(ended)
  return { leafCallsPerRequest: (leafCalls - leafCallsBefore) / counted, successPercent: (succeeded / counted) * 100 }
}

function unaware(aware: Guard): Guard {
  return { run: (body, context) => aware.run(body, { ...rootContext(), ...context, retriedByCaller: false }) }
}

export const amplificationMetrics: readonly Metric[] = [
  {
    name: 'amplification',
    unit: 'leaf calls per request on a dead chain of four hops',
    better: 'lower',
    peer: 'the same retries without budget and hop awareness',
    target: { oursMax: 1.3 },
    note: 'Simulated time. Three retries per hop; the tokens that a budget starts with are spent before counting.',
    async simulate(seed, { quick }): Promise<Round> {
      const requests = quick ? 200 : 2_000
      const ours = await run(seed, { faults: 1, requests, withBudget: true })
      const peer = await run(seed, { faults: 1, requests: Math.min(requests, 200), withBudget: false })
      return { ours: ours.leafCallsPerRequest, peer: peer.leafCallsPerRequest }
    },
  },
  {
    name: 'success-at-10-percent-faults',
    unit: 'percent of requests that succeed',
    better: 'higher',
    peer: 'the same retries without budget and hop awareness',
    target: { oursMin: 99.9 },
    note: 'Simulated time. The chain of amplification, with a leaf that fails one call in ten.',
    async simulate(seed, { quick }): Promise<Round> {
      const requests = quick ? 500 : 5_000
      const ours = await run(seed, { faults: 0.1, requests, withBudget: true })
      const peer = await run(seed, { faults: 0.1, requests, withBudget: false })
      return { ours: ours.successPercent, peer: peer.successPercent }
    },
  },
]
