import type { EventEnvelope, EventLog, LogReader } from 'seaworthy/messaging'
import type { ConsumerContext, RelayContext } from '../adapter.ts'

/** The kit's broker behind the library's port. */
export function exchangeEventLog(of: { publish: RelayContext['publish'] } | { log: ConsumerContext['log'] }): EventLog {
  return {
    append: async (_topic, events) => {
      if ('publish' in of) await of.publish(events.map((event) => ({ id: event.id, key: event.key, envelope: event })))
    },
    reader: async () => {
      if ('publish' in of) throw new Error('A relay reads no log.')
      return exchangeReader(of.log)
    },
    topics: async () => [],
    close: async () => undefined,
  }
}

async function exchangeReader(log: ConsumerContext['log']): Promise<LogReader> {
  let next = await log.committed()
  return {
    poll: async ({ max, waitMs }) => {
      const entries = await log.read({ from: next, max, waitMs })
      next += entries.length
      return entries.map(({ offset, envelope }) => ({
        topic: 'conformance',
        partition: 0,
        offset,
        appendedAtMs: Date.now(),
        event: envelope as EventEnvelope,
      }))
    },
    commit: async (positions) => {
      for (const { offset } of positions) await log.commit(offset)
    },
    seek: async () => undefined,
    lag: async () => 0,
    close: async () => undefined,
  }
}
