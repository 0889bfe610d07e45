import type { GuardedCall } from '@seaworthy/supervisor/management'
import type { ServiceResilience } from '../../../src/system/resilience.ts'
import { formatDuration } from './format.ts'
import type { Condition } from './messages.ts'

/** One kind of calls of a service, as a row. */
export interface CallRow {
  readonly service: string
  /** `inventory`, or `monolith/reviews`. */
  readonly call: string
  readonly breaker: Condition
  readonly running: number
  /** Undefined without a bulkhead. */
  readonly places: { readonly running: number; readonly runningMax: number; readonly queued: number; readonly queueMax: number } | undefined
  /** Undefined without a budget. */
  readonly budget: { readonly tokens: number; readonly tokensMax: number; readonly denied: number } | undefined
  readonly calls: number
  readonly failed: number
  readonly retries: number
  readonly timedOut: number
  /** Turned away by breaker or bulkhead. */
  readonly rejected: number
  /** What its policy says, part by part. */
  readonly policy: string
}

/** One service that can suffer. */
export interface SufferingRow {
  readonly service: string
  readonly state: string
  readonly suffers: readonly string[]
  readonly problem: string | undefined
}

export interface ResilienceView {
  readonly calls: readonly CallRow[]
  readonly services: readonly SufferingRow[]
  readonly open: number
  readonly suffering: number
}

/** What the page shows of what the services say. */
export function resilienceView(answers: readonly ServiceResilience[]): ResilienceView {
  const calls = answers.flatMap(({ service, calls: guarded }) => (guarded ?? []).map((call) => callRow(service, call)))
  const services = answers.map(({ service, state, faults, problem }): SufferingRow => {
    const suffers = [
      ...(faults.paused ? ['stands still'] : []),
      ...(faults.latencyMs > 0 ? [`${formatDuration(faults.latencyMs * 1_000)} late`] : []),
      ...(faults.errorRatio > 0 ? [`${Math.round(faults.errorRatio * 100)} % errors`] : []),
    ]
    return { service, state, suffers, problem: problem ?? undefined }
  })
  return {
    calls,
    services,
    open: calls.filter(({ breaker }) => breaker.tone === 'error').length,
    suffering: services.filter(({ suffers }) => suffers.length > 0).length,
  }
}

function callRow(service: string, { call, declaration, snapshot }: GuardedCall): CallRow {
  const { circuitBreaker, bulkhead, retryBudget, calls, succeeded, failed, retries, timedOut } = snapshot
  return {
    service,
    call,
    breaker: breakerCondition(circuitBreaker),
    running: Math.max(0, calls - succeeded - failed),
    places: bulkhead && {
      running: bulkhead.running,
      runningMax: bulkhead.concurrencyMax,
      queued: bulkhead.queued,
      queueMax: bulkhead.queueMax,
    },
    budget: retryBudget && { tokens: Math.floor(retryBudget.tokens), tokensMax: retryBudget.tokensMax, denied: retryBudget.denied },
    calls,
    failed,
    retries,
    timedOut,
    rejected: (circuitBreaker?.rejected ?? 0) + (bulkhead?.rejected ?? 0),
    policy: policyText(declaration),
  }
}

function breakerCondition(breaker: GuardedCall['snapshot']['circuitBreaker']): Condition {
  if (breaker === undefined) return { tone: 'quiet', text: 'none', title: 'Its policy has no circuit breaker' }
  const history = `opened ${breaker.opened} times, turned ${breaker.rejected} calls away`
  switch (breaker.state) {
    case 'closed': {
      const share = breaker.calls === 0 ? '' : `, ${breaker.failures} of the last ${breaker.calls} failed`
      return breaker.failures > 0
        ? { tone: 'warn', text: `closed, ${Math.round((breaker.failures / breaker.calls) * 100)} %`, title: `${history}${share}` }
        : { tone: 'ok', text: 'closed', title: `${history}${share}` }
    }
    case 'open':
      return { tone: 'error', text: `open ${(breaker.retryAfterMs / 1_000).toFixed(1)} s`, title: `${breaker.why}; ${history}` }
    case 'half-open':
      return {
        tone: 'warn',
        text: 'half-open',
        title: `${breaker.probesRunning} probes are on their way, ${breaker.probesSucceeded} succeeded; ${history}`,
      }
    case 'isolated':
      return { tone: 'error', text: 'isolated', title: `By hand: ${breaker.why}; ${history}` }
  }
}

/** A policy in words, for whoever wonders why. */
function policyText({ timeout, retry, circuitBreaker, bulkhead }: GuardedCall['declaration']): string {
  const ms = (value: number | undefined) => (value === undefined ? undefined : formatDuration(value * 1_000))
  return [
    timeout?.totalMs === undefined ? undefined : `${ms(timeout.totalMs)} in all`,
    timeout?.attemptMs === undefined ? undefined : `${ms(timeout.attemptMs)} an attempt`,
    retry === undefined ? undefined : `up to ${retry.attemptsMax} attempts`,
    circuitBreaker === undefined ? undefined : `breaker, open ${ms(circuitBreaker.openMs)}`,
    bulkhead === undefined ? undefined : `${bulkhead.concurrencyMax} at once, ${bulkhead.queueMax} waiting`,
  ]
    .filter((part) => part !== undefined)
    .join('; ')
}
