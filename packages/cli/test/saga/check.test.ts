import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { run } from '@seaworthy/cli'
import { migrate, openSqliteDatabase, sagaStoreSchema, sqliteSagaStore } from 'seaworthy/sqlite'

const ORDERS = join(import.meta.dirname, '../../../../shop/services/orders/application')

async function say(...args: string[]) {
  const printed: string[] = []
  const errors: string[] = []
  const code = await run(args, { env: {}, print: (text) => void printed.push(text), printError: (text) => void errors.push(text) })
  return { code, printed: printed.join('\n'), errors: errors.join('\n') }
}

/** A service's database with a checkout under way, still open as in its process, and a folder for new code. */
async function underWay(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-saga-check-'))
  const path = join(folder, 'orders.db')
  const database = await openSqliteDatabase({ path, durability: 'process-crash' })
  t.after(async () => {
    await database.close()
    rmSync(folder, { recursive: true })
  })
  await migrate(database, [sagaStoreSchema])
  const store = sqliteSagaStore(database)
  const times = { startedAtMs: 1, updatedAtMs: 1 }
  const record = {
    id: 'order-1',
    saga: 'checkout',
    version: 1,
    status: 'running',
    input: null,
    context: { correlationId: 'c' },
    reason: undefined,
  } as const
  await database.transaction((tx) =>
    store.start(tx, { ...record, ...times }, 'somebody', [{ step: 'reserve stock', kind: 'done', result: null, atMs: 1 }]),
  )
  const code = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, `import { saga } from ${JSON.stringify(import.meta.resolve('seaworthy/saga'))}\n${text}`)
    return file
  }
  return { path, code }
}

test('code that can go on from every journal passes, and code that cannot is told which sagas it would strand', async (t) => {
  const { path, code } = await underWay(t)
  const fits = code(
    'fits.ts',
    `export const sagas = [saga('checkout', { version: 1 }).step('reserve stock', { run: async () => 1, compensation: 'not-needed' })]`,
  )
  assert.deepEqual(await say('saga', 'check', '--code', fits, '--database', path), {
    code: 0,
    printed: '1 sagas are under way, and the new code can bring all of them to their ends.',
    errors: '',
  })
  const renamed = code(
    'renamed.ts',
    `export const checkout = saga('checkout', { version: 1 }).step('reserve', { run: async () => 1, compensation: 'not-needed' })`,
  )
  const strands = await say('saga', 'check', '--code', renamed, '--database', path)
  assert.equal(strands.code, 1)
  assert.match(strands.printed, /order-1 {2}checkout {2}1 {8}running {2}its journal has a step "reserve stock" that the declaration lacks/)
  assert.match(strands.errors, /1 of 1 sagas under way would be stranded/)
  const { printed } = await say('saga', 'check', '--code', renamed, '--database', path, '--json')
  assert.equal((JSON.parse(printed) as { stranded: { id: string }[] }).stranded[0]?.id, 'order-1')
  assert.match((await say('saga', 'graph', '--code', fits)).printed, /^flowchart TD\n.*checkout 1/)
})

test('the shop passes with its own code', async (t) => {
  const { path } = await underWay(t)
  const code = join(ORDERS, 'sagas.ts')
  assert.deepEqual(await say('saga', 'check', '--code', code, '--database', path), {
    code: 0,
    printed: '1 sagas are under way, and the new code can bring all of them to their ends.',
    errors: '',
  })
  assert.match((await say('saga', 'graph', '--code', code)).printed, /checkout 1[\s\S]*reserve stock[\s\S]*charge[\s\S]*book shipment/)
})

test('what cannot be checked is said', async (t) => {
  const { path, code } = await underWay(t)
  assert.equal((await say('saga', 'check')).code, 2)
  assert.match((await say('saga', 'check', '--code', 'none.ts', '--database', path)).errors, /There is no file .*none\.ts/)
  assert.match((await say('saga', 'check', '--code', code('empty.ts', ''), '--database', path)).errors, /exports no saga/)
  const making = join(ORDERS, 'checkout-saga.ts')
  const { errors } = await say('saga', 'check', '--code', making, '--database', path)
  assert.match(errors, /exports no saga\. checkoutSaga\(\) is a function and is not called\. .*one beside it that exports what it returns/)
  assert.match(
    (await say('saga', 'check', '--code', code('one.ts', `export const a = saga('a', { version: 1 })`), '--database', 'none.db')).errors,
    /no database/,
  )
})
