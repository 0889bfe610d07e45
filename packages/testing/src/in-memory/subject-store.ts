import { randomBytes } from 'node:crypto'
import { type Clock, type Database, type Transaction, systemClock } from 'seaworthy/core'
import { type SubjectKey, type SubjectStore, SUBJECT_KEY_BYTES } from 'seaworthy/event-sourcing'
import { Table } from './table.ts'

/** Keys of subjects beside an in-memory database. */
export function inMemorySubjectStore(database: Database, options: { clock?: Clock } = {}): SubjectStore {
  const { clock = systemClock } = options
  const known = new Table<SubjectKey>()
  const streams = new Table<readonly string[]>()
  const subjects = new Table<readonly string[]>()
  const add = (table: Table<readonly string[]>, tx: Transaction, key: string, value: string) =>
    table.set(tx, key, [...new Set([...(table.get(key, tx) ?? []), value])].toSorted())

  const store: SubjectStore = {
    async hold(tx, stream, wanted) {
      for (const subject of wanted) {
        add(streams, tx, subject, stream)
        add(subjects, tx, stream, subject)
        if (known.get(subject, tx) === undefined) known.set(tx, subject, { kind: 'kept', key: randomBytes(SUBJECT_KEY_BYTES) })
      }
      return store.keys(wanted, tx)
    },
    async keys(wanted, tx) {
      return new Map(
        wanted.flatMap((subject) => {
          const key = known.get(subject, tx)
          return key === undefined ? [] : [[subject, key] as const]
        }),
      )
    },
    subjectsOf: async (stream, tx) => subjects.get(stream, tx) ?? [],
    streamsOf: async (subject) => streams.get(subject) ?? [],
    async forget(subject, within) {
      await database.transaction(async (tx) => {
        await within(tx)
        if (known.get(subject, tx)?.kind !== 'forgotten') known.set(tx, subject, { kind: 'forgotten', atMs: clock.now() })
      })
      const forgotten = known.get(subject)
      return { atMs: forgotten?.kind === 'forgotten' ? forgotten.atMs : clock.now(), remains: [] }
    },
  }
  return store
}
