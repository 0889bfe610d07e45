import { channel } from 'node:diagnostics_channel'

/** What a policy did that is worth telling: published on the diagnostics channel `seaworthy:resilience`. */
export type ResilienceEvent =
  | { readonly type: 'circuit-opened'; readonly policy: string; readonly why: string; readonly openMs: number }
  | { readonly type: 'circuit-half-opened'; readonly policy: string }
  | { readonly type: 'circuit-closed'; readonly policy: string }
  | { readonly type: 'circuit-isolated'; readonly policy: string; readonly why: string }
  | { readonly type: 'call-rejected'; readonly policy: string; readonly by: RejectedBy }
  | { readonly type: 'call-timed-out'; readonly policy: string; readonly timeoutMs: number }
  | {
      readonly type: 'retry-scheduled'
      readonly policy: string
      readonly attempt: number
      readonly delayMs: number
      readonly error: unknown
    }
  | { readonly type: 'retry-abandoned'; readonly policy: string; readonly attempt: number; readonly why: 'budget' | 'deadline' }

/** The kinds of policy that turn calls away. */
export type RejectedBy = 'circuit-breaker' | 'bulkhead' | 'rate-limiter' | 'adaptive-concurrency' | 'load-shedder' | 'worker-bulkhead'

const events = channel('seaworthy:resilience')

/**
 * Publishes what `describe` returns; calls it only if somebody listens. A listener that throws harms no call: the channel
 * reports it as an uncaught exception of the process, in a turn of its own.
 */
export function publish(describe: () => ResilienceEvent): void {
  if (events.hasSubscribers) events.publish(describe())
}
