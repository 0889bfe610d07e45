import type { Visit } from './customers.ts'
import type { Sample } from './shop.ts'
import { IN_TIME_MS, type PageKind, SERVICES, type ServiceName, type Stage, type Timeline } from './stages.ts'

/** Everything that was seen in a stage; times in milliseconds since it began. */
export interface Observed {
  readonly stage: Stage
  readonly timeline: Timeline
  readonly visits: readonly Visit[]
  readonly samples: readonly Sample[]
  readonly deaths: readonly { readonly service: ServiceName; readonly atMs: number; readonly how: string }[]
}

/** What a stage comes to. */
export interface Figures {
  readonly stage: Stage
  /** When storefront died, or undefined. */
  readonly diedAtMs: number | undefined
  /** Requests in flight in storefront, on average and at most, while inventory was slow. */
  readonly inFlight: { readonly mean: number; readonly max: number }
  /** The share of pages that came in time: before, while inventory was slow, and in the last two seconds. */
  readonly inTime: Readonly<Record<PageKind, { readonly before: number; readonly slow: number; readonly last: number }>>
  /** Of checkouts that began while inventory was slow, answered or not. */
  readonly checkoutMs: { readonly p50: number; readonly p99: number }
  /** Requests that inventory got from when it turned slow until two seconds after, for each checkout that customers began then: retries come late. */
  readonly callsPerCheckout: number
}

const LAST_MS = 2_000
const LATE_MS = 2_000

export function figuresOf({ stage, timeline, visits, samples, deaths }: Observed): Figures {
  const { slowFromMs, slowUntilMs, endMs } = timeline
  const whileSlow = <T extends { readonly atMs: number }>(all: readonly T[]) =>
    all.filter(({ atMs }) => atMs >= slowFromMs && atMs < slowUntilMs)
  const share = (page: PageKind, fromMs: number, untilMs: number) => {
    const those = visits.filter((visit) => visit.page === page && visit.atMs >= fromMs && visit.atMs < untilMs)
    return those.length === 0 ? 0 : those.filter(isInTime).length / those.length
  }
  const sharesOf = (page: PageKind) => ({
    before: share(page, 0, slowFromMs),
    slow: share(page, slowFromMs, slowUntilMs),
    last: share(page, endMs - LAST_MS, endMs),
  })
  const storefront = whileSlow(samples.filter(({ service }) => service === 'storefront')).map(({ inFlight }) => inFlight)
  const checkouts = whileSlow(visits.filter(({ page }) => page === 'checkout'))
  const took = checkouts.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)
  const underLoad = ({ atMs }: { readonly atMs: number }) => atMs >= slowFromMs && atMs < slowUntilMs + LATE_MS
  const arrived = samples.filter((sample) => sample.service === 'inventory' && underLoad(sample)).map((sample) => sample.arrived)
  const asked = visits.filter((visit) => visit.page === 'checkout' && underLoad(visit)).length
  return {
    stage,
    diedAtMs: deaths.find(({ service }) => service === 'storefront')?.atMs,
    inFlight: { mean: storefront.reduce((sum, each) => sum + each, 0) / Math.max(1, storefront.length), max: Math.max(0, ...storefront) },
    inTime: { product: sharesOf('product'), checkout: sharesOf('checkout') },
    checkoutMs: { p50: quantile(took, 0.5), p99: quantile(took, 0.99) },
    callsPerCheckout: arrived.length === 0 ? 0 : (arrived.at(-1)! - arrived[0]!) / Math.max(1, asked),
  }
}

const isInTime = (visit: Visit): boolean => visit.outcome === 'ok' && visit.tookMs <= IN_TIME_MS

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** One thing that the README promises, and whether it came about. */
export interface Promised {
  readonly what: string
  readonly holds: boolean
}

/** Ratios with wide margins: a busy machine makes everything slower, and turns no picture around. */
export function verdict(all: readonly Figures[]): readonly Promised[] {
  const of = (name: string) => all.find(({ stage }) => stage.name === name)!
  const none = of('none')
  const timeout = of('timeout')
  const bulkhead = of('bulkhead')
  const breaker = of('breaker')
  const naive = of('naive-retry')
  const retry = of('retry')
  const everything = of('all')
  const bounded = [timeout, bulkhead, breaker, retry, everything]
  return [
    {
      what: 'without policies storefront dies, and sells nothing any more',
      holds: none.diedAtMs !== undefined && none.inTime.product.last < 0.1,
    },
    { what: 'with timeouts it lives', holds: bounded.every(({ diedAtMs }) => diedAtMs === undefined) },
    { what: 'and shows products, which do not need inventory', holds: bounded.every(({ inTime }) => inTime.product.slow >= 0.5) },
    {
      what: 'bulkheads take at least a third off what is in flight in storefront',
      holds: bulkhead.inFlight.mean <= timeout.inFlight.mean / 1.5,
    },
    { what: 'breakers at least halve the load on inventory', holds: breaker.callsPerCheckout <= timeout.callsPerCheckout / 2 },
    { what: 'and fail at least twice as fast', holds: breaker.checkoutMs.p50 <= timeout.checkoutMs.p50 / 2 },
    { what: 'retries on every hop at least double the load on inventory', holds: naive.callsPerCheckout >= 2 * timeout.callsPerCheckout },
    {
      what: 'jitter, a budget and one hop take at least a third of that away',
      holds: retry.callsPerCheckout <= naive.callsPerCheckout / 1.5,
    },
    {
      what: 'with all of them the shop sells again when inventory is well',
      holds: everything.inTime.checkout.last > 0 && everything.inTime.checkout.last >= everything.inTime.checkout.before / 2,
    },
  ]
}

/** The largest number of requests in flight, calls a second and pages a second, by service and by slice of time: what is drawn. */
export interface Series {
  readonly inFlight: ReadonlyMap<ServiceName, readonly number[]>
  readonly load: readonly number[]
  readonly goodput: readonly number[]
}

export function seriesOf({ timeline, samples, visits }: Observed, sliceMs: number): Series {
  const slices = Math.ceil(timeline.endMs / sliceMs)
  const sliceOf = (atMs: number) => Math.floor(atMs / sliceMs)
  const inFlight = new Map(
    SERVICES.map((service) => {
      const found = Array.from<number | undefined>({ length: slices })
      for (const sample of samples) {
        const slice = sliceOf(sample.atMs)
        if (sample.service === service && slice >= 0 && slice < slices) found[slice] = Math.max(found[slice] ?? 0, sample.inFlight)
      }
      // A process that had no time to report still has what it had.
      let last = 0
      return [service, found.map((value) => (last = value ?? last))] as const
    }),
  )
  const load = Array.from<number>({ length: slices }).fill(0)
  let before: number | undefined
  for (const { service, atMs, arrived } of samples) {
    if (service !== 'inventory') continue
    const slice = sliceOf(atMs)
    if (slice >= 0 && slice < slices) load[slice] = load[slice]! + ((arrived - (before ?? arrived)) * 1_000) / sliceMs
    before = arrived
  }
  const goodput = Array.from<number>({ length: slices }).fill(0)
  for (const visit of visits.filter(isInTime)) {
    const slice = sliceOf(visit.atMs)
    if (slice < slices) goodput[slice] = goodput[slice]! + 1_000 / sliceMs
  }
  return { inFlight, load, goodput }
}
