import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Client } from 'pg'
import {
  SchemaTooNewError,
  consumerStoreSchema,
  migrate,
  postgresEventStore,
  postgresOutboxStore,
  postgresSagaStore,
} from '@seaworthy/postgres'
import { LIBRARY_SCHEMAS } from '../src/library-schemas.ts'
import type { SchemaComponent } from '../src/migrate.ts'
import { STATEMENTS_BEFORE } from './fixtures/statements-before.ts'
import { SCHEMAS, event } from './overlapping.ts'
import { databaseForTest } from './server.ts'

const FOLLOWED = LIBRARY_SCHEMAS.filter(({ versions }) => versions.length > 1)

/** A component, as code of an older version has it. */
const asOf = (component: SchemaComponent, version: number): SchemaComponent => ({
  ...component,
  versions: component.versions.slice(0, version),
})

interface Column {
  readonly place: string
  readonly type: string
  /** An INSERT that does not name it fails. */
  readonly isDemanded: boolean
}

async function columns(session: Client): Promise<readonly Column[]> {
  const { rows } = await session.query<Column>(`SELECT table_name || '.' || column_name AS place, data_type AS type,
      is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AS "isDemanded"
    FROM information_schema.columns WHERE table_schema = current_schema() AND table_name LIKE 'seaworthy%'`)
  return rows
}

/** Everything that can refuse a row: constraints, unique indexes, triggers. */
async function rules(session: Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query<{ name: string; table: string }>(`
    SELECT conname AS name, conrelid::regclass::text AS table FROM pg_constraint
      WHERE contype <> 'n' AND connamespace = current_schema()::regnamespace
    UNION ALL SELECT indexrelid::regclass::text, indrelid::regclass::text FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid WHERE indisunique AND c.relnamespace = current_schema()::regnamespace
    UNION ALL SELECT tgname, tgrelid::regclass::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      WHERE NOT tgisinternal AND c.relnamespace = current_schema()::regnamespace`)
  return new Map(rows.map(({ name, table }) => [name, table]))
}

suite('tables of a version, and code of the one before it', () => {
  for (const component of FOLLOWED)
    for (let version = 2; version <= component.versions.length; version++)
      test(`${component.component} ${version}: nothing is taken away or demanded that the version before does not know`, async (t) => {
        const { database, connect, dispose } = await databaseForTest()
        t.after(dispose)
        const session = await connect()
        await migrate(database, [asOf(component, version - 1)])
        const [before, rulesBefore] = [await columns(session), await rules(session)]
        await migrate(database, [asOf(component, version)])
        const after = new Map((await columns(session)).map((column) => [column.place, column]))
        for (const column of before) assert.deepEqual(after.get(column.place), column)
        const tables = new Set(before.map(({ place }) => place.split('.')[0]))
        for (const { place, isDemanded } of after.values()) {
          const isNew = !before.some((column) => column.place === place)
          assert.ok(!(isNew && isDemanded && tables.has(place.split('.')[0])), `${place} is demanded of code that does not know it`)
        }
        for (const [rule, table] of await rules(session))
          assert.ok(rulesBefore.has(rule) || !tables.has(table), `${rule} is new on ${table}`)
      })

  test('code of the version before works on them, and is let in again after a crash; what it wrote is read by the new code', async (t) => {
    const { database, connect, dispose } = await databaseForTest()
    t.after(dispose)
    const session = await connect()
    await migrate(database, LIBRARY_SCHEMAS)
    for (const component of FOLLOWED) {
      const older = STATEMENTS_BEFORE[component.component]
      const version = component.versions.length - 1
      assert.equal(older?.version, version, `the statements of ${component.component} as code of version ${version} sends them`)
      assert.deepEqual(await migrate(database, [asOf(component, version)]), [])
      for (const { sql, params, rows } of older.statements) assert.equal((await session.query(sql, [...params])).rowCount, rows, sql)
    }
    const [event] = await postgresEventStore(database).read('account-1')
    assert.deepEqual([event?.id, event?.version, event?.data], ['one', 1, { cents: 1 }])
    assert.equal((await postgresEventStore(database).loadSnapshot('account-1'))?.version, 1)
    const sagas = postgresSagaStore(database)
    assert.deepEqual((await sagas.load('1'))?.journal.length, 2)
    // Whoever comes takes it up: it is nobody's, and due.
    assert.deepEqual(await sagas.claim({ owner: 'new', dead: [], versions: ['checkout/1'], nowMs: 1, max: 9 }), ['1'])
  })

  test('code that is older than that is refused', async (t) => {
    const { database, dispose } = await databaseForTest()
    t.after(dispose)
    const versions = ['SELECT 1', 'SELECT 2', 'SELECT 3']
    await migrate(database, [{ component: 'seaworthy.planted', versions }])
    await assert.rejects(migrate(database, [{ component: 'seaworthy.planted', versions: ['SELECT 1'], newerBy: 1 }]), SchemaTooNewError)
    assert.deepEqual(await migrate(database, [{ component: 'seaworthy.planted', versions: versions.slice(0, 2), newerBy: 1 }]), [])
  })
})

suite('migrations', () => {
  test('the SQL files may be run by another tool; migrate then finds them done', async (t) => {
    const { database, connect, dispose } = await databaseForTest()
    t.after(dispose)
    const client = await connect()
    const folder = fileURLToPath(new URL('../sql/', import.meta.url))
    const files = ['schema.1.sql', ...readdirSync(folder).filter((name) => name !== 'schema.1.sql')]
    for (const file of files) await client.query(readFileSync(`${folder}/${file}`, 'utf8'))
    await migrate(database, [...SCHEMAS, consumerStoreSchema])
    const store = postgresOutboxStore(database)
    await database.transaction((tx) => store.add(tx, 'orders', [event('a')]))
    assert.deepEqual(
      (await store.unsent('orders', 9)).map((entry) => [entry.event.key, entry.event.sequence]),
      [['a', 1]],
    )
  })

  test('instances that migrate at one time do it once; newer tables are refused', async (t) => {
    const { database, openAnother, dispose } = await databaseForTest()
    t.after(dispose)
    const own = {
      component: 'orders',
      versions: ['CREATE TABLE orders (id int)', 'ALTER TABLE orders ADD COLUMN cents int; CREATE INDEX ON orders (cents)'],
    }
    const instances = [database, ...(await Promise.all([openAnother(), openAnother()]))]
    await Promise.all(instances.map((instance) => migrate(instance, [...SCHEMAS, own])))
    await database.transaction((tx) => tx.execute({ sql: 'INSERT INTO orders VALUES (1, 2)' }))
    await assert.rejects(migrate(database, [{ component: 'orders', versions: ['SELECT 1'] }]), SchemaTooNewError)
    const broken = { component: 'orders', versions: [...own.versions, 'ALTER TABLE orders ADD COLUMN a int; SELECT * FROM nowhere'] }
    await assert.rejects(migrate(database, [broken]))
    assert.deepEqual(await database.query({ sql: 'SELECT * FROM orders' }), [{ id: 1, cents: 2 }])
  })
})
