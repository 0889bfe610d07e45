import { seededRandom } from 'seaworthy/core'
import { type Ask, Comparator, type ComparisonReport, type SafeRequest, type Verdict } from '@seaworthy/strangler/compare'
import { NOISE_SOURCES } from './noise-sources.ts'
import { ENDPOINTS, type EndpointName } from './shop-endpoints.ts'
import { inventData } from './shop-data.ts'
import { type Change, sideOf, type Write } from './side.ts'
import { SkippingClock } from './skipping-clock.ts'

/** How long a write takes from the monolith to the service. */
const LAG_MS = 400
const WRITES_EACH = 2

export interface Trial {
  readonly endpoint: EndpointName
  readonly seed: number
  /** Requests, those from which is learned included. */
  readonly requests: number
  /** What differs by nature on both sides. Default all that the endpoint has. */
  readonly noise?: readonly Change[]
  readonly regression?: Change
}

export interface TrialResult {
  readonly report: ComparisonReport
  readonly verdicts: readonly Verdict[]
}

export const noiseOf = (endpoint: EndpointName): readonly Change[] =>
  NOISE_SOURCES.filter((source) => source.endpoint === endpoint).map(({ change }) => change)

export interface TrialSides {
  readonly monolith: Ask
  readonly service: Ask
  readonly clock: SkippingClock
  readonly targetAt: (index: number) => string
}

/** The monolith and the service of a trial, with the same rows and each with its own chance. */
export function sidesOf({ endpoint, seed, noise = noiseOf(endpoint), regression }: Trial): TrialSides {
  const clock = new SkippingClock()
  const order = seededRandom(seed + 3)
  const { targets } = ENDPOINTS[endpoint]
  const writes: Write[] = []
  const writer = seededRandom(seed + 5)
  const below = (max: number) => Math.floor(writer.float() * max)
  const side = (offset: number, changes: readonly Change[], lagMs: number): Ask =>
    sideOf({
      endpoint,
      clock,
      changes,
      writes,
      lagMs,
      data: inventData(seededRandom(seed)),
      random: seededRandom(seed * 1_000 + offset),
      startedMs: clock.now() - offset * 7_654_321,
    })
  return {
    clock,
    monolith: side(1, noise, 0),
    service: side(2, regression === undefined ? noise : [...noise, regression], LAG_MS),
    targetAt: () => {
      // Right before a client comes, so that the service knows nothing of it when it is asked first.
      for (let write = 0; write < WRITES_EACH; write++)
        writes.push({ atMs: clock.now(), product: below(60), priceCents: 199 + below(20_000), stock: below(100) })
      return targets[Math.floor(order.float() * targets.length)]!
    },
  }
}

/** Puts requests to both sides by way of a comparator, one after the other. */
export async function runTrial(trial: Trial): Promise<TrialResult> {
  const { clock, monolith, service, targetAt } = sidesOf(trial)
  const comparator = new Comparator({ monolith, service, clock, random: seededRandom(trial.seed + 4) })
  const { signal } = new AbortController()
  const verdicts: Verdict[] = []
  for (let index = 0; index < trial.requests; index++) {
    // A client comes every few seconds.
    clock.pass(4_000)
    const request: SafeRequest = { method: 'GET', target: targetAt(index), headers: [] }
    verdicts.push(await comparator.judge(request, await monolith(request, signal), signal))
  }
  return { report: comparator.report(), verdicts }
}
