import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Span, context, trace } from '@opentelemetry/api'
import type { Wait } from 'seaworthy/core'

/** What one span has waited for, by attribute. */
type Waits = Map<string, { ms: number; untilMs: number }>

/**
 * Counts waits that belong to no operation of their own, such as that for a place in a bulkhead, on the span in progress. Of several at the same time the time in
 * which any of them lasted is counted, as long as they end in the order in which they began.
 * @returns a function that stops it
 */
export function countWaits(): () => void {
  const spans = new WeakMap<Span, Waits>()
  const count = (message: unknown) => {
    const { attribute, sinceMs, untilMs } = message as Wait
    const span = trace.getSpan(context.active())
    if (span === undefined || !span.isRecording()) return
    const waits = spans.get(span) ?? new Map<string, { ms: number; untilMs: number }>()
    spans.set(span, waits)
    const wait = waits.get(attribute) ?? { ms: 0, untilMs: Number.NEGATIVE_INFINITY }
    wait.ms += Math.max(0, untilMs - Math.max(sinceMs, wait.untilMs))
    wait.untilMs = Math.max(wait.untilMs, untilMs)
    waits.set(attribute, wait)
    span.setAttribute(attribute, wait.ms)
  }
  subscribe('seaworthy:wait', count)
  return () => void unsubscribe('seaworthy:wait', count)
}
