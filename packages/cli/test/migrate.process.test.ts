import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { LIBRARY_SCHEMAS, openPostgresDatabase, schemaVersions } from '@seaworthy/postgres'
import { Client } from 'pg'
import { type PostgresServer, startPostgres } from '../../../test/servers/embedded-postgres.ts'
import { run } from '@seaworthy/cli'

let server: PostgresServer
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

async function say(...words: string[]) {
  const printed: string[] = []
  const errors: string[] = []
  const code = await run(words, { env: {}, print: (text) => void printed.push(text), printError: (text) => void errors.push(text) })
  return { code, printed: printed.join('\n'), errors: errors.join('\n') }
}

async function versionsIn(url: string): Promise<Record<string, number>> {
  const database = await openPostgresDatabase({ connection: url })
  try {
    return Object.fromEntries(await schemaVersions(database))
  } finally {
    await database.close()
  }
}

suite('seaworthy migrate', () => {
  test('makes what is named, says what it did, and does nothing the second time', async () => {
    const { url } = await server.createDatabase()
    const first = await say('migrate', '--database', url, '--components', 'outbox, event-store')
    assert.equal(first.code, 0, first.errors)
    assert.match(first.printed, /seaworthy\.outbox +version 0 to 1\nseaworthy\.event-store +version 0 to 2/)
    assert.deepEqual(await versionsIn(url), { 'seaworthy.outbox': 1, 'seaworthy.event-store': 2 })
    const again = await say('migrate', '--database', url)
    assert.match(again.printed, /^seaworthy\.outbox +version 1, as before\nseaworthy\.event-store +version 2, as before$/)
  })

  test('prints the SQL instead, which another tool runs to the same end', async () => {
    const [{ url }, { url: byTool }] = [await server.createDatabase(), await server.createDatabase()]
    const names = LIBRARY_SCHEMAS.map(({ component }) => component.replace('seaworthy.', '')).join(',')
    const { printed } = await say('migrate', '--database', byTool, '--components', names, '--dry-run')
    assert.deepEqual(await versionsIn(byTool), {})
    const client = new Client({ connectionString: byTool })
    await client.connect()
    await client.query(printed)
    await client.end()
    await say('migrate', '--database', url, '--components', names)
    assert.deepEqual(await versionsIn(byTool), await versionsIn(url))
    assert.match((await say('migrate', '--database', byTool, '--dry-run')).printed, /^-- Everything is at its newest version/)
  })

  test('brings tables of an older version to the newest', async () => {
    const { url } = await server.createDatabase()
    const { component, versions } = LIBRARY_SCHEMAS.find(({ component: name }) => name === 'seaworthy.sagas')!
    const old = new Client({ connectionString: url })
    await old.connect()
    await old.query((await say('migrate', '--database', url, '--components', 'leases', '--dry-run')).printed)
    await old.query(versions[0]!)
    await old.end()
    assert.equal((await versionsIn(url))[component], 1)
    assert.match((await say('migrate', '--database', url)).printed, /seaworthy\.sagas +version 1 to 3/)
  })

  test('refuses what it cannot do, and says what to do next', async () => {
    const { url } = await server.createDatabase()
    for (const [words, why] of [
      [[], /needs --database postgres:\/\//],
      [['--database', 'orders.db'], /needs --database postgres:\/\//],
      [['--database', url], /no tables of the library yet.*--components outbox,inbox/],
      [['--database', url, '--components', 'outbx'], /There is no component outbx\. Did you mean outbox\?/],
    ] as const) {
      const { code, errors } = await say('migrate', ...words)
      assert.equal(code, 2)
      assert.match(errors, why)
    }
  })
})
