import { join } from 'node:path'
import { type Clock, type Database, sleep } from 'seaworthy/core'
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

/**
 * Gives a topic another owner, between two runs: what the one before had still to send is sent, in its name and under its numbers, and only then the numbering goes
 * on in the new owner's outbox, key by key where it stopped. So consumers see no gap, no event twice that they can tell, and no number that they know.
 * Can be repeated: an outbox that is empty stays so, and numbers are never lowered.
 */
export async function handOverTopic({ topic, eventLog, from, to, clock, signal }: HandOver): Promise<void> {
  const log = await openSqliteEventLog({ directory: join(eventLog), owns: [topic], signal })
  try {
    const relay = startRelay({ store: from.outbox, log })
    try {
      while ((await from.outbox.backlog()).messages > 0) await sleep(clock, LOOK_EVERY_MS, signal)
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
