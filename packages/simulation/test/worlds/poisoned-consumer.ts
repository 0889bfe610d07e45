import assert from 'node:assert/strict'
import { type Invariant, type System, client, invariant, node } from '@seaworthy/simulation'
import { RejectedError } from 'seaworthy/core'
import { defineEvent, startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, startRelay } from 'seaworthy/outbox'
import {
  consumerStoreSchema,
  inboxStoreSchema,
  outboxStoreSchema,
  sqliteConsumerStore,
  sqliteInboxStore,
  sqliteOutboxStore,
} from 'seaworthy/sqlite'
import { acceptAnything } from '../schemas.ts'

interface Entry {
  readonly key: string
  readonly n: number
}

const written = defineEvent('entry.written', { topic: 'entries', version: 1, key: ({ key }) => key, schema: acceptAnything<Entry>() })
const table = (name: string) => ({
  component: name,
  versions: [`CREATE TABLE ${name} (position INTEGER PRIMARY KEY, key TEXT NOT NULL, n INTEGER NOT NULL) STRICT`],
})
const KEYS = ['sound', 'poisoned']
const POISON = 2

/** A writer of entries, and a reader that cannot handle the second entry of one key. */
export const poisonedConsumer: System = {
  nodes: [
    node('writer', async ({ database, eventLog }) => {
      const entries = await database({ schema: [table('entries'), outboxStoreSchema] })
      const store = sqliteOutboxStore(entries)
      startRelay({ store, log: eventLog })
      return {
        write: ({ key, n }: Entry) =>
          entries.transaction(async (tx) => {
            const known = await tx.query({ sql: 'SELECT 1 FROM entries WHERE key = ? AND n = ?', params: [key, n] })
            if (known.length > 0) return
            await tx.execute({ sql: 'INSERT INTO entries (key, n) VALUES (?, ?)', params: [key, n] })
            await outbox({ store }).add(tx, written({ key, n }))
          }),
      }
    }),
    node('reader', async ({ database, eventLog }) => {
      const read = await database({ schema: [table('read'), inboxStoreSchema, consumerStoreSchema] })
      const handler = inbox({ store: sqliteInboxStore(read), database: read, consumer: 'reader' }).handle(async ({ data }, tx) => {
        const { key, n } = data as Entry
        await tx.execute({ sql: 'INSERT INTO read (key, n) VALUES (?, ?)', params: [key, n] })
        if (key === 'poisoned' && n === POISON) throw new RejectedError('poison', 'Nobody can handle this.')
      })
      const store = sqliteConsumerStore(read)
      await startConsumer({ log: eventLog, group: 'reader', topics: ['entries'], handler, store, onPoison: 'park-key' })
    }),
  ],
  clients: [
    client('author', async ({ call }) => {
      for (const n of [1, 2, 3]) for (const key of KEYS) await call('writer', 'write', { key, n })
    }),
  ],
}

export const poisonParksItsKeyAlone: Invariant = invariant('a poisoned message parks its key, in order, and no other', (view) => {
  const numbers = (sql: string, key: string) => view.query<{ n: number }>('reader', sql, [key]).map(({ n }) => n)
  const handled = (key: string) => numbers('SELECT n FROM read WHERE key = ? ORDER BY position', key)
  const aside = (key: string) =>
    numbers(`SELECT event ->> '$.data.n' AS n FROM seaworthy_dead_letters WHERE key = ? ORDER BY position`, key)
  assert.deepEqual([handled('sound'), aside('sound')], [[1, 2, 3], []])
  assert.deepEqual(handled('poisoned'), [1])
  // After a crash what was handled before comes again, finds its key parked, and is set aside too: requeued, the inbox knows it.
  assert.deepEqual(
    aside('poisoned').filter((n) => n !== 1),
    [2, 3],
  )
})
