import type { PolicyDeclaration } from 'seaworthy/resilience'
import type { Service } from 'seaworthy/system'
import { alert } from './alert.ts'
import { recorded } from './expressions.ts'
import type { Rule } from './rule-file.ts'

/** Of what an attempt may take, so much is near to being given up. */
const TIMEOUT_SHARE = 0.8
const QUEUE_SHARE = 0.8

/** What a service declares of its calls is what they are held against. */
export function dependencyAlerts({ name, policies }: Service): readonly Rule[] {
  return Object.entries(policies).flatMap(([call, policy]) => alertsOf({ service: name, call }, policy))
}

function alertsOf(about: { readonly service: string; readonly call: string }, policy: PolicyDeclaration): readonly Rule[] {
  const { service, call } = about
  const { timeout, circuitBreaker, bulkhead, retry } = policy
  const of = `service="${service}",policy="${call}"`
  const labels = { service, policy: call }
  const who = `${service}'s calls for ${call}`
  return [
    alert('DependencyErrors', {
      expr: `${recorded.attemptErrorRatio}{${of}} > 0.1 and ${recorded.attempts}{${of}} > 0.05`,
      for: '5m',
      severity: 'ticket',
      summary: `{{ $value | humanizePercentage }} of ${who} bring no answer`,
      description: `Look at ${call} first. "seaworthy logs" and failed traces say which error it is.`,
      labels,
    }),
    ...(timeout?.attemptMs === undefined
      ? []
      : [
          alert('DependencySlow', {
            expr: `${recorded.attemptP99}{${of}} > ${(timeout.attemptMs * TIMEOUT_SHARE) / 1_000}`,
            for: '5m',
            severity: 'ticket' as const,
            summary: `One in a hundred of ${who} takes {{ $value | humanizeDuration }}`,
            description: `An attempt is given up after ${timeout.attemptMs} ms, as ${service} declares. A slow trace says what it waits for.`,
            labels,
          }),
        ]),
    ...(circuitBreaker === undefined
      ? []
      : [
          alert('CircuitOpen', {
            // Open and half-open take turns: what counts is that it was not closed at any scrape.
            expr: `max_over_time(seaworthy_circuit_state{${of},state="closed"}[30s]) == 0`,
            severity: 'page' as const,
            summary: `The circuit breaker of ${who} is open`,
            description: `They are turned away without being sent, and ${service} degrades as it declares. It closes by itself when ${call} answers again.`,
            labels,
          }),
        ]),
    ...(bulkhead === undefined
      ? []
      : [
          alert('BulkheadFull', {
            expr: full(of, bulkhead.queueMax ?? 0),
            for: '1m',
            severity: 'ticket' as const,
            summary: `${who} wait for each other`,
            description: `All ${bulkhead.concurrencyMax} places are taken. ${call} is slow, or more is asked of it than was thought.`,
            labels,
          }),
        ]),
    ...(retry?.budget === undefined
      ? []
      : [
          alert('RetryBudgetEmpty', {
            expr: `seaworthy_retry_budget_tokens{${of}} / seaworthy_retry_budget_tokens_max{${of}} < 0.1`,
            for: '1m',
            severity: 'ticket' as const,
            summary: `${who} are not tried again any more`,
            description: `So many failed that repeating them would add to the trouble. Look at ${call}.`,
            labels,
          }),
        ]),
  ]
}

/** With a queue, that it is nearly full; without one, that all places are taken. */
function full(of: string, queueMax: number): string {
  return queueMax > 0
    ? `seaworthy_bulkhead_queued{${of}} > ${queueMax * QUEUE_SHARE}`
    : `seaworthy_bulkhead_running{${of}} >= seaworthy_bulkhead_concurrency_max{${of}}`
}
