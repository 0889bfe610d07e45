import type { AppendOnlyLog, EventEnvelope } from 'seaworthy/messaging'

/** All that a relay needs of a log, at a cost that is known. */
export function sinkLog(append: (events: readonly EventEnvelope[]) => Promise<void>): AppendOnlyLog {
  return { append: (_topic, events) => append(events), close: async () => undefined }
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
