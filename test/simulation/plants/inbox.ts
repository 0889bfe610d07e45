import { inbox } from 'seaworthy/outbox'
import { sqliteInboxStore } from 'seaworthy/sqlite'
import { type Order, type OutboxParts, insertParcel, outboxInboxWorld } from '../worlds/outbox-inbox.ts'
import type { Plant } from './plant.ts'

type Handling = NonNullable<OutboxParts['handling']>

/** Remembers messages in a transaction, but not in that of their effect. */
const rememberingApart =
  (order: 'before the effect' | 'after the effect'): Handling =>
  (_, parcels) => {
    const store = sqliteInboxStore(parcels)
    return async (event) => {
      const { id: messageId, key, sequence, source: topic } = event
      const message = { consumer: 'shipping', generation: 1, messageId, topic, key, sequence }
      const effect = () => parcels.atomically([insertParcel(event.data as Order)])
      if (order === 'before the effect') {
        const verdict = await parcels.transaction((tx) => store.admit(tx, message))
        if (verdict.kind !== 'duplicate') await effect()
        return
      }
      const known = await parcels.query({ sql: 'SELECT 1 FROM seaworthy_inbox WHERE message_id = ?', params: [messageId] })
      if (known.length > 0) return
      await effect()
      await parcels.transaction((tx) => store.admit(tx, message))
    }
  }

/** Mistakes of whoever hears of things. */
export const inboxPlants: readonly Plant[] = [
  {
    name: 'no-inbox',
    mistake: 'The handler trusts that every message comes once: a redelivery ships a second parcel.',
    world: outboxInboxWorld({
      handling: (_, parcels) => async (event) => {
        await parcels.atomically([insertParcel(event.data as Order)])
      },
    }),
  },
  {
    name: 'inbox-marked-first',
    mistake: 'The message is marked as handled in a transaction before that of its effect: a crash in between loses the effect.',
    world: outboxInboxWorld({ handling: rememberingApart('before the effect') }),
  },
  {
    name: 'inbox-marked-last',
    mistake: 'The message is marked as handled in a transaction after that of its effect: a crash in between repeats the effect.',
    world: outboxInboxWorld({ handling: rememberingApart('after the effect') }),
  },
  {
    name: 'acknowledge-early',
    mistake: 'The offset is committed before the handler is done: a crash in between loses the message.',
    world: outboxInboxWorld({
      async consuming({ eventLog, clock, note }, parcels) {
        const handler = inbox({ store: sqliteInboxStore(parcels), database: parcels, consumer: 'shipping' }).handle(
          async ({ data }, tx) => {
            await tx.execute(insertParcel(data as Order))
          },
        )
        const reader = await eventLog.reader({ topics: ['orders'], group: 'shipping' })
        const consume = async () => {
          for (;;) {
            try {
              const records = await reader.poll({ max: 100, waitMs: 1_000 })
              if (records.length === 0) continue
              await reader.commit(records.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 })))
              for (const { topic, event } of records) {
                const signal = new AbortController().signal
                await handler(event, { topic, attempt: 1, timeoutMs: 30_000, signal, outOfOrder: false })
              }
            } catch {
              await new Promise<void>((resolve) => clock.timer(100, resolve))
            }
          }
        }
        consume().catch((error: unknown) => note('the consumer ended', String(error)))
      },
    }),
  },
]
