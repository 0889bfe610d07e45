import { UnsupportedError } from 'seaworthy/core'
import type { EventEnvelope, EventLog } from 'seaworthy/messaging'

/** A log that is only appended to: what a relay needs of one, at a cost that is known. */
export function sinkLog(append: (events: readonly EventEnvelope[]) => Promise<void>): EventLog {
  const refuse = () => Promise.reject(new UnsupportedError('This log is only appended to.'))
  return { append: (_topic, events) => append(events), reader: refuse, topics: refuse, close: async () => undefined }
}

/** Counts what is sent, each call confirmed after `delayMs`, and says when it was `expected` in all. */
export function countingSink(delayMs: number, expected: number) {
  const all = Promise.withResolvers<void>()
  let sent = 0
  return {
    all: all.promise,
    send: async (events: number) => {
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
      sent += events
      if (sent >= expected) all.resolve()
    },
  }
}
