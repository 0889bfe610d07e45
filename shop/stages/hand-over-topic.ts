import { join } from 'node:path'
import { type Clock, type Database, sleep, TimeoutError } from 'seaworthy/core'
import { type OutboxStore, startRelay } from 'seaworthy/outbox'
import { continueOutboxNumbers, openSqliteEventLog, outboxNumbers } from 'seaworthy/sqlite'

export interface HandOver {
  readonly topic: string
  /** The folder of the event log. */
  readonly eventLog: string
  readonly from: { readonly database: Database; readonly outbox: OutboxStore }
  readonly to: Database
  readonly clock: Clock
  readonly signal: AbortSignal
}

const PAGE_MAX = 500
const LOOK_EVERY_MS = 20
/** Thousands of events are sent in a second. */
const SENDING_TIMEOUT_MS = 60_000

/**
 * Gives a topic another owner, between two runs: what the one before had still to send is sent, in its name and under its numbers, and only then the numbering goes
 * on in the new owner's outbox, key by key where it stopped. So consumers see no gap, no event twice that they can tell, and no number that they know.
 * Can be repeated: an outbox that is empty stays so, and numbers are never lowered.
 * @throws TimeoutError when the old owner's outbox is not empty in time
 */
export async function handOverTopic({ topic, eventLog, from, to, clock, signal }: HandOver): Promise<void> {
  const log = await openSqliteEventLog({ directory: join(eventLog), owns: [topic], signal })
  try {
    const relay = startRelay({ store: from.outbox, log })
    try {
      const deadlineMs = clock.monotonicMs() + SENDING_TIMEOUT_MS
      for (let waiting = await from.outbox.backlog(); waiting.messages > 0; waiting = await from.outbox.backlog()) {
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
  for (let after = ''; ;) {
    const numbers = await outboxNumbers(from.database, { topic, after, max: PAGE_MAX })
    const last = numbers.at(-1)
    if (last === undefined) return
    await to.transaction((tx) => continueOutboxNumbers(tx, topic, numbers))
    after = last.key
  }
}
