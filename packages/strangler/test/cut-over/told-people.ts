import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  type CutOver,
  type CutOverOptions,
  type Side,
  type SideName,
  cutOverSchema,
  defineMapping,
  ownedWrites,
  sqliteSide,
  startCutOver,
  throughOldSide,
} from '@seaworthy/strangler/cut-over'
import { exponential } from 'seaworthy/core'
import { type EventEnvelope, defineEvent } from 'seaworthy/messaging'
import { outbox, startRelay } from 'seaworthy/outbox'
import { type SqliteDatabase, migrate, openSqliteDatabase, outboxStoreSchema, sqliteOutboxStore } from 'seaworthy/sqlite'

interface Person {
  readonly id: string
  readonly name: string
}

const schema = { '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value: value as Person }) } }
const about = { version: 1, key: ({ id }: Person) => id, schema }
const named = defineEvent<Person>('person.named', { topic: 'people', ...about })
/** Of another topic, which stays in the monolith. */
const billed = defineEvent<Person>('person.billed', { topic: 'bills', ...about })

/** Whoever owns people tells of each change. */
export const peopleMapping = defineMapping({
  name: 'people',
  topic: 'people',
  old: { people: { key: 'id', primaryKey: ['id'], columns: ['id', 'name'] } },
  new: { person: { key: 'person_id', primaryKey: ['person_id'], columns: ['person_id', 'called'] } },
  toNew: ({ people }) => ({ person: people.map(({ id, name }) => ({ person_id: id, called: name })) }),
  toOld: ({ person }) => ({ people: person.map(({ person_id, called }) => ({ id: person_id, name: called })) }),
})

const TABLES = {
  old: 'CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT',
  new: 'CREATE TABLE person (person_id TEXT PRIMARY KEY, called TEXT NOT NULL) STRICT',
}
const WRITES = {
  old: 'INSERT INTO people (id, name) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET name = ?2',
  new: 'INSERT INTO person (person_id, called) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET called = ?2',
}

/** An event as the log had it, and what the monolith knew of its key when it was appended. */
interface Told {
  readonly event: EventEnvelope
  readonly knownThere: string | undefined
}

/** Monolith and new service, each with its file, its outbox and its relay; the monolith's process alone appends to the log. */
export async function toldPeople(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'told-people-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const open = async (side: SideName) => {
    const database = await openSqliteDatabase({ path: join(folder, `${side}.db`), durability: 'process-crash' })
    t.after(() => database.close())
    await migrate(database, [cutOverSchema, outboxStoreSchema, { component: side, versions: [TABLES[side]] }])
    return database
  }
  const databases: Readonly<Record<SideName, SqliteDatabase>> = { old: await open('old'), new: await open('new') }
  const told: Told[] = []
  const broker = { isAway: false }
  const log = {
    async append(_topic: string, events: readonly EventEnvelope[]) {
      if (broker.isAway) throw new Error('the broker is away')
      for (const event of events) {
        const sql = 'SELECT name FROM people WHERE id = ?'
        const [row] = await databases.old.query<{ name: string }>({ sql, params: [event.key] })
        told.push({ event, knownThere: row?.name })
      }
    },
  }
  const sides: Readonly<Record<SideName, Side>> = {
    old: await sqliteSide({ mapping: peopleMapping, side: 'old', database: databases.old, strayWrites: 'refuse', log }),
    new: await sqliteSide({ mapping: peopleMapping, side: 'new', database: databases.new }),
  }
  const stores = { old: sqliteOutboxStore(databases.old), new: sqliteOutboxStore(databases.new) }
  const soon = exponential({ baseMs: 2, maxMs: 5 })
  for (const [store, to] of [
    [stores.old, log],
    [stores.new, throughOldSide({ ...sides, waitMs: 500 })],
  ] as const) {
    const relay = startRelay({ store, log: to, backoff: soon })
    t.after(() => relay.stop())
  }
  const write = (side: SideName, person: Person, event: EventEnvelope = named(person)) =>
    databases[side].transaction(async (tx) => {
      if (event.type === 'person.named') {
        await ownedWrites('people', databases[side]).assertOwned(tx, person.id)
        await tx.execute({ sql: WRITES[side], params: [person.id, person.name] })
      }
      await outbox({ store: stores[side] }).add(tx, event)
    })
  return {
    databases,
    sides,
    broker,
    told,
    write,
    bill: (person: Person) => write('old', person, billed(person)),
    start: (options: Partial<CutOverOptions> = {}): CutOver => {
      const cutOver = startCutOver({ mapping: peopleMapping, ...sides, ...options, limits: { pollMs: 2, ...options.limits } })
      t.after(() => cutOver.stop())
      return cutOver
    },
  }
}
