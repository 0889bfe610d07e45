import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { suite, test } from 'node:test'
import { databaseForTest } from '../server.ts'

const page = readFileSync(new URL('../../../../docs/4-data/outbox-adapters.md', import.meta.url), 'utf8')
const client = new URL('../fixtures/prisma/gen/client.ts', import.meta.url).href

interface Example {
  readonly heading: string
  readonly code: string
}

/** The TypeScript of each section. */
const examples: readonly Example[] = page
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const heading = section.slice(0, section.indexOf('\n'))
    return [...section.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => ({ heading, code: code! }))
  })

/** An example as a module that can be imported from anywhere. */
function moduleOf(code: string, outbox = ''): string {
  const javascript = stripTypeScriptTypes(code).replaceAll(/from '([^']+)'/g, (_, name: string) => {
    if (name === './outbox.ts') return `from '${outbox}'`
    return `from '${name === './generated/prisma/client.ts' ? client : import.meta.resolve(name)}'`
  })
  return `data:text/javascript;base64,${Buffer.from(javascript).toString('base64')}`
}

void suite('the examples of docs/4-data/outbox-adapters.md', () => {
  test('each commits its order and the event about it', async (t) => {
    const under = await databaseForTest()
    const observer = await under.connect()
    await observer.query('CREATE TABLE orders (id text PRIMARY KEY, total_cents int NOT NULL)')
    // Prisma names the schema, unless told.
    await observer.query(`CREATE VIEW public."Order" AS SELECT id, total_cents AS "totalCents" FROM orders`)
    process.env['DATABASE_URL'] = under.url
    const [shared, ...others] = examples.filter(({ heading }) => heading !== 'Synchronous SQLite')
    const outbox = moduleOf(shared!.code)
    const { database, store } = (await import(outbox)) as {
      database: { close(): Promise<void> }
      store: { unsent(topic: string, max: number): Promise<readonly { readonly event: { readonly key: string } }[]> }
    }
    t.after(async () => {
      await database.close()
      await under.dispose()
    })
    assert.deepEqual(
      others.map(({ heading }) => heading),
      ['pg', 'postgres.js', 'Kysely', 'Drizzle', 'Prisma', 'Another library'],
    )
    for (const { heading, code } of others) {
      const before = new Set((await store.unsent('orders', 100)).map(({ event }) => event.key))
      await import(moduleOf(code, outbox))
      const added = (await store.unsent('orders', 100)).map(({ event }) => event.key).filter((key) => !before.has(key))
      assert.equal(added.length, 1, heading)
      const { rows } = await observer.query('SELECT id FROM orders WHERE id = $1', added)
      assert.equal(rows.length, heading === 'Another library' ? 0 : 1, heading)
    }
  })
})
