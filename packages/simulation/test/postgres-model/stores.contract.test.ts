import {
  type InboxStoreUnderTest,
  type OutboxStoreUnderTest,
  databaseContract,
  inboxStoreContract,
  outboxStoreContract,
} from '@seaworthy/testing'
import type { Clock, SqlValue } from 'seaworthy/core'
import {
  type PostgresStatement,
  type Schema,
  type StatementsByText,
  type Value,
  PostgresModel,
  column,
  compare,
  deleteFrom,
  equals,
  evaluation,
  inboxStoreSchema,
  insert,
  or,
  outboxStoreSchema,
  plus,
  postgresModelDatabase,
  postgresModelInboxStore,
  postgresModelOutboxStore,
  select,
  update,
} from '../../src/postgres-model/index.ts'

function outboxOn(model: PostgresModel, options: { clock: Clock; eventBytesMax: number }): OutboxStoreUnderTest {
  const database = postgresModelDatabase(model)
  const reopen = async () => {
    model.crash()
    return outboxOn(model, options)
  }
  return { database, store: postgresModelOutboxStore(database, options), reopen, dispose: () => database.close() }
}

function inboxOn(model: PostgresModel, options: { clock: Clock }): InboxStoreUnderTest {
  const database = postgresModelDatabase(model)
  const reopen = async () => {
    model.crash()
    return inboxOn(model, options)
  }
  return { database, store: postgresModelInboxStore(database, options), reopen, dispose: () => database.close() }
}

outboxStoreContract('on the PostgreSQL model', async (options) => outboxOn(new PostgresModel(outboxStoreSchema), options))
inboxStoreContract('on the PostgreSQL model', async (options) => inboxOn(new PostgresModel(inboxStoreSchema), options))

const kept = { a: 'text', b: 'text', c: 'double precision', d: 'bigint', e: 'bytea', f: 'text' } as const
/** What the contract makes in its tests is here from the start. */
const schema: Schema = {
  tables: {
    item: {
      columns: { id: { type: 'bigint' }, n: { type: 'bigint' } },
      primaryKey: ['id'],
      check: compare(column('n'), '>=', 0),
    },
    kept: { columns: Object.fromEntries(Object.entries(kept).map(([name, type]) => [name, { type, nullable: true }])) },
  },
}

/** A statement that does nothing. */
const nothing = (): PostgresStatement => deleteFrom('item', { where: or() })
const value = (param: SqlValue | undefined): Value => (typeof param === 'bigint' ? Number(param) : (param ?? null))
const insertItem = ([id, n]: readonly SqlValue[]) => insert('item', [{ id: value(id), n: value(n) }])
const statements: StatementsByText = {
  'CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n >= 0))': nothing,
  'CREATE TABLE other (id INTEGER PRIMARY KEY)': nothing,
  'CREATE TABLE kept (a TEXT, b TEXT, c DOUBLE PRECISION, d BIGINT, e BYTEA, f TEXT)': nothing,
  'INSERT INTO item (id, n) VALUES ($1, $2)': insertItem,
  'INSERT INTO item (id, n) VALUES (1, 1)': () => insertItem([1, 1]),
  'INSERT INTO kept VALUES ($1, $2, $3, $4, $5, $6)': (params) =>
    insert('kept', [Object.fromEntries(Object.keys(kept).map((name, index) => [name, value(params[index])]))]),
  'SELECT id FROM item': () => select('item', { columns: ['id'] }),
  'SELECT id FROM item ORDER BY id': () => select('item', { columns: ['id'], orderBy: [{ column: 'id' }] }),
  'SELECT id, n FROM item': () => select('item'),
  'SELECT n FROM item': () => select('item', { columns: ['n'] }),
  'SELECT * FROM kept': () => select('kept'),
  'SELECT 1 AS one': () => evaluation(1),
  'UPDATE item SET n = n + 1': () => update('item', { n: plus(column('n'), 1) }),
  'UPDATE item SET n = n + 1 WHERE id = 1': () => update('item', { n: plus(column('n'), 1) }, { where: equals('id', 1) }),
  'UPDATE item SET n = 5 WHERE id = 99': () => update('item', { n: 5 }, { where: equals('id', 99) }),
  'DELETE FROM item': () => deleteFrom('item'),
}

databaseContract('on the PostgreSQL model', async () => {
  const model = new PostgresModel(schema)
  const database = postgresModelDatabase(model, { statements })
  return { database, crash: async () => postgresModelDatabase(model, { statements }), dispose: () => database.close() }
})
