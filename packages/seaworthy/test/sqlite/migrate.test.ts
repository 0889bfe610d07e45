import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SchemaTooNewError, migrate, openSqliteDatabase } from 'seaworthy/sqlite'
import { testFolder } from './folder.ts'

async function open(t: TestContext) {
  const database = await openSqliteDatabase({ path: join(testFolder(t), 'test.db') })
  t.after(() => database.close())
  return database
}

const FIRST = `CREATE TABLE item (id INTEGER PRIMARY KEY);
  -- A semicolon in a comment; and one in a text:
  INSERT INTO item VALUES (1); CREATE TABLE note (text TEXT DEFAULT 'a;b');`
const SECOND = 'ALTER TABLE item ADD COLUMN name TEXT; CREATE INDEX item_by_name ON item (name)'

test('a new database gets all versions, an old one those that it lacks, a current one nothing', async (t) => {
  const database = await open(t)
  await migrate(database, [{ component: 'items', versions: [FIRST] }])
  await migrate(database, [{ component: 'items', versions: [FIRST, SECOND] }])
  await migrate(database, [{ component: 'items', versions: [FIRST, SECOND] }])
  assert.deepEqual(await database.query({ sql: 'SELECT id, name FROM item' }), [{ id: 1, name: null }])
  assert.deepEqual(await database.query({ sql: 'SELECT component, version FROM seaworthy_schema' }), [{ component: 'items', version: 2 }])
})

test('components go their own ways', async (t) => {
  const database = await open(t)
  await migrate(database, [{ component: 'items', versions: [FIRST, SECOND] }])
  await migrate(database, [
    { component: 'items', versions: [FIRST, SECOND] },
    { component: 'others', versions: ['CREATE TABLE other (id INTEGER)'] },
  ])
  assert.deepEqual(await database.query({ sql: 'SELECT component, version FROM seaworthy_schema ORDER BY component' }), [
    { component: 'items', version: 2 },
    { component: 'others', version: 1 },
  ])
})

test('a database that newer code has migrated is refused, and left as it is', async (t) => {
  const database = await open(t)
  await migrate(database, [{ component: 'items', versions: [FIRST, SECOND] }])
  await assert.rejects(
    migrate(database, [
      { component: 'others', versions: ['CREATE TABLE other (id INTEGER)'] },
      { component: 'items', versions: [FIRST] },
    ]),
    (error) => error instanceof SchemaTooNewError && /items are at version 2; this code knows 1/.test(error.message),
  )
  assert.equal((await database.query({ sql: "SELECT 1 FROM sqlite_schema WHERE name = 'other'" })).length, 0)
})

test('a version that fails half-way leaves nothing of itself nor of those before it', async (t) => {
  const database = await open(t)
  await assert.rejects(
    migrate(database, [{ component: 'items', versions: [FIRST, 'CREATE TABLE half (id INTEGER); CREATE TABLE item (id INTEGER)'] }]),
  )
  assert.equal(
    (await database.query({ sql: "SELECT name FROM sqlite_schema WHERE name IN ('item', 'half', 'seaworthy_schema')" })).length,
    0,
  )
  await migrate(database, [{ component: 'items', versions: [FIRST, SECOND] }])
})

test('a version cannot end the transaction around it', async (t) => {
  const database = await open(t)
  await assert.rejects(
    migrate(database, [{ component: 'items', versions: ['CREATE TABLE half (id INTEGER); COMMIT; SELECT * FROM nowhere'] }]),
  )
  assert.equal((await database.query({ sql: "SELECT name FROM sqlite_schema WHERE name = 'half'" })).length, 0)
})

test('two components of one name are a mistake', async (t) => {
  const database = await open(t)
  await assert.rejects(
    migrate(database, [
      { component: 'items', versions: [FIRST] },
      { component: 'items', versions: [SECOND] },
    ]),
    /one name/,
  )
})
