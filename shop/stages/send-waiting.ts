import { type Clock, sleep, TimeoutError } from 'seaworthy/core'
import { type OutboxStore, startRelay } from 'seaworthy/outbox'
import { openSqliteEventLog } from 'seaworthy/sqlite'

export interface SendWaiting {
  readonly topic: string
  /** The folder of the event log. */
  readonly eventLog: string
  readonly outbox: OutboxStore
  readonly clock: Clock
  readonly signal: AbortSignal
}

const LOOK_EVERY_MS = 20
/** Thousands of events are sent in a second. */
const SENDING_TIMEOUT_MS = 60_000

/**
 * Sends what an outbox has still to send on a topic, between two runs, when nobody else publishes there: in its owner's name and under its numbers, before another
 * owner goes on numbering.
 * @throws TimeoutError when it is not empty in time
 */
export async function sendWaiting({ topic, eventLog, outbox, clock, signal }: SendWaiting): Promise<void> {
  if ((await outbox.backlog()).messages === 0) return
  const log = await openSqliteEventLog({ directory: eventLog, owns: [topic], signal })
  try {
    const relay = startRelay({ store: outbox, log })
    try {
      const deadlineMs = clock.monotonicMs() + SENDING_TIMEOUT_MS
      for (let waiting = await outbox.backlog(); waiting.messages > 0; waiting = await outbox.backlog()) {
        if (clock.monotonicMs() > deadlineMs) {
          throw new TimeoutError(
            `${waiting.messages} events of ${topic}'s owner were still not sent after ${SENDING_TIMEOUT_MS} ms. Look into its outbox; the data was not moved.`,
            SENDING_TIMEOUT_MS,
          )
        }
        await sleep(clock, LOOK_EVERY_MS, signal)
      }
    } finally {
      await relay.stop()
    }
  } finally {
    await log.close()
  }
}
