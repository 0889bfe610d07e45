import { channel } from 'node:diagnostics_channel'

/** What a policy did that is worth telling: published on the diagnostics channel `seaworthy:resilience`. */
export type ResilienceEvent =
  | { readonly type: 'circuit-opened'; readonly policy: string; readonly why: string; readonly openMs: number }
  | { readonly type: 'circuit-half-opened'; readonly policy: string }
  | { readonly type: 'circuit-closed'; readonly policy: string }
  | { readonly type: 'call-rejected'; readonly policy: string; readonly by: 'circuit-breaker' | 'bulkhead' }
  | { readonly type: 'call-timed-out'; readonly policy: string; readonly timeoutMs: number }
  | {
      readonly type: 'retry-scheduled'
      readonly policy: string
      readonly attempt: number
      readonly delayMs: number
      readonly error: unknown
    }
  | { readonly type: 'retry-abandoned'; readonly policy: string; readonly attempt: number; readonly why: 'budget' | 'deadline' }

const events = channel('seaworthy:resilience')

/** Publishes what `describe` returns; calls it only if somebody listens. */
export function publish(describe: () => ResilienceEvent): void {
  if (events.hasSubscribers) events.publish(describe())
}
