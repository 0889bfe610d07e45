import { constant, exponential } from 'seaworthy/core'
import { countWindow, type PolicyDeclaration, type RetryDeclaration } from 'seaworthy/resilience'

/** The services of the lab, the way in first. Each is a process of its own. */
export const SERVICES = ['storefront', 'orders', 'inventory', 'reviews', 'payments'] as const
export type ServiceName = (typeof SERVICES)[number]

/** Which policies the services put around their calls. */
export interface Stage {
  readonly name: string
  readonly title: string
  /** For every call to another service; one policy a receiver. Undefined: `fetch` as it is. */
  readonly policy?: PolicyDeclaration
  /** Whether a service looks at the header by which its caller says that it retries. */
  readonly isHopAware: boolean
}

const timeout = { attemptMs: 800 }
const bulkhead = { concurrencyMax: 2 }
const circuitBreaker = { failureRate: 0.5, window: countWindow(10), minimumCalls: 4, openMs: 800 }
const budgeted = {
  attemptsMax: 3,
  backoff: exponential({ baseMs: 50, maxMs: 400, jitter: 'full' }),
  budget: { ratio: 0.1, minPerSecond: 0.5, tokensMax: 5 },
}

export const STAGES: readonly Stage[] = [
  { name: 'none', title: 'no policies', isHopAware: false },
  { name: 'timeout', title: 'timeouts', policy: { timeout }, isHopAware: false },
  { name: 'bulkhead', title: '+ bulkheads', policy: { timeout, bulkhead }, isHopAware: false },
  { name: 'breaker', title: '+ circuit breakers', policy: { timeout, bulkhead, circuitBreaker }, isHopAware: false },
  {
    name: 'naive-retry',
    title: 'timeouts and retries, every hop, no jitter, no budget',
    policy: { timeout, retry: { attemptsMax: 3, backoff: constant(100) } },
    isHopAware: false,
  },
  { name: 'retry', title: 'the same with jitter, a budget, one hop', policy: { timeout, retry: budgeted }, isHopAware: true },
  { name: 'all', title: 'all of them', policy: { timeout, bulkhead, circuitBreaker, retry: budgeted }, isHopAware: true },
]

/** A bulkhead as large as its receiver deserves: what answers in 5 ms may get more at once than what stands on a slow database. */
const QUICK: ReadonlySet<ServiceName> = new Set(['reviews', 'payments'])
const QUICK_BULKHEAD = { concurrencyMax: 16 }

/**
 * The policy for the calls to a receiver, in every service that calls it.
 * @param pace how many times slower than declared everything goes
 */
export function policyFor(receiver: ServiceName, { policy }: Stage, pace: number): PolicyDeclaration | undefined {
  if (policy === undefined) return undefined
  const { timeout, retry, circuitBreaker } = policy
  return {
    ...policy,
    ...(timeout?.attemptMs !== undefined && { timeout: { attemptMs: timeout.attemptMs * pace } }),
    ...(circuitBreaker !== undefined && { circuitBreaker: { ...circuitBreaker, openMs: circuitBreaker.openMs * pace } }),
    ...(policy.bulkhead !== undefined && QUICK.has(receiver) && { bulkhead: QUICK_BULKHEAD }),
    ...(retry !== undefined && { retry: { ...retry, ...paced(retry, pace) } }),
  }
}

function paced({ backoff, budget }: RetryDeclaration, pace: number): Partial<RetryDeclaration> {
  return {
    backoff:
      backoff.kind === 'constant'
        ? { ...backoff, delayMs: backoff.delayMs * pace }
        : { ...backoff, baseMs: backoff.baseMs * pace, maxMs: backoff.maxMs * pace },
    ...(budget?.minPerSecond !== undefined && { budget: { ...budget, minPerSecond: budget.minPerSecond / pace } }),
  }
}

/** When inventory is slow. Everything else stays as it is. */
export interface Timeline {
  readonly slowFromMs: number
  readonly slowUntilMs: number
  readonly endMs: number
}

export const TIMELINE: Timeline = { slowFromMs: 2_000, slowUntilMs: 7_500, endMs: 11_500 }

/** Customers come at random, whether or not the shop answers: an open loop. */
export const ARRIVALS_PER_SECOND = { product: 4, checkout: 8 } as const
export type PageKind = keyof typeof ARRIVALS_PER_SECOND

/** Longer than this, and nobody is there any more to see the page. */
export const IN_TIME_MS = 2_000
export const PATIENCE_MS = 5_000

/** Inventory works on so many requests at once, and is slow by one sleep: a fortieth of its capacity is left then. */
export const INVENTORY = { workers: 2, wellMs: 50, slowMs: 2_000 } as const

/** What storefront may use, and what a page holds while it is made: small, so that it dies in seconds instead of hours. */
export const STOREFRONT = { heapMiB: 32, pageKiB: 960 } as const
