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

/** Counts waits for a place or a turn, on the span in progress. Named as in `seaworthy/trace-analysis`. */
export const ADMISSION_WAIT = 'seaworthy.time.admission_wait_ms'

const events = channel('seaworthy:resilience')

/**
 * Publishes what `describe` returns; calls it only if somebody listens. No listener can harm a call: what one throws is kept
 * from the caller by the channel, which reports it as an uncaught exception of the process.
 */
export function publish(describe: () => ResilienceEvent): void {
  if (events.hasSubscribers) events.publish(describe())
}

/**
 * Listens to everything that the policies of this process do. What the listener throws becomes a warning of the process, so
 * that a defect in a dashboard stops nothing; a plain subscription to the channel `seaworthy:resilience` has no such net.
 * @returns a function that stops it
 */
export function onResilienceEvent(listener: (event: ResilienceEvent) => void): () => void {
  const onDefect = (error: unknown) => warnOf('A listener to resilience events', error)
  const guarded = (message: unknown) => {
    try {
      const result: unknown = listener(message as ResilienceEvent)
      // The types allow an asynchronous listener, whose rejection would end the process.
      if (result instanceof Promise) result.catch(onDefect)
    } catch (error) {
      onDefect(error)
    }
  }
  events.subscribe(guarded)
  return () => events.unsubscribe(guarded)
}

/** Tells of a defect in code that a call must not suffer from. */
export function warnOf(what: string, error: unknown): void {
  process.emitWarning(`${what} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
}
