import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '@seaworthy/cli'
import { keyExpression } from '../../src/events/key-expression.ts'
import { type LockChange, lockChanges } from '../../src/events/lock-changes.ts'

async function say(...args: string[]) {
  const lines: string[] = []
  const add = (text: string) => void lines.push(text)
  const code = await run(args, { env: {}, print: add, printError: add })
  return { code, said: lines.join('\n') }
}

let contracts = 0

/** A folder with one contract; each call of `declare` is a new module, as a new process would load it. */
function project(t: TestContext) {
  // Inside the repository, so that its packages are found from there.
  const root = mkdtempSync(join(import.meta.dirname, 'project-'))
  t.after(() => rmSync(root, { recursive: true }))
  const declare = (text: string) => {
    rmSync(join(root, 'orders'), { recursive: true, force: true })
    mkdirSync(join(root, 'orders', 'contract', 'events'), { recursive: true })
    const imports = `import { defineEvent } from 'seaworthy/messaging'\nimport { z } from 'zod'\n`
    writeFileSync(join(root, 'orders', 'contract', 'events', `events-${++contracts}.ts`), imports + text)
  }
  return { root, declare, say: (word: 'lock' | 'check', ...more: string[]) => say('events', word, '--root', root, ...more) }
}

const placed = (fields: string, more = '') =>
  `export const placed = defineEvent('order.placed', { topic: 'orders', version: 1, key: (data) => data.orderId, schema: z.object({ orderId: z.string(), ${fields} })${more} })\n`

test('what was locked passes; a breaking change names event, version, field and what to do, and cannot be locked', async (t) => {
  const { root, declare, say: events } = project(t)
  declare(placed('totalCents: z.int()'))
  assert.equal((await events('check')).code, 1)
  assert.match((await events('check')).said, /Run seaworthy events lock/)
  assert.equal((await events('lock')).code, 0)
  assert.deepEqual(await events('check'), { code: 0, said: '1 versions of 1 events are as they were published.' })

  declare(placed('totalCents: z.int(), customerId: z.string()'))
  const { code, said } = await events('check')
  assert.equal(code, 1)
  assert.match(said, /order\.placed, version 1, field customerId: a new field is required/)
  assert.match(said, /breaks backward compatibility/)
  assert.match(said, /declare version 2 beside it; let consumers handle both, by an upcaster from 1 to 2/)
  const before = readFileSync(join(root, 'events.lock.json'), 'utf8')
  assert.equal((await events('lock')).code, 1)
  assert.equal(readFileSync(join(root, 'events.lock.json'), 'utf8'), before)
  // What was never published may be locked as it is now.
  assert.equal((await events('lock', '--force')).code, 0)
  assert.equal((await events('check')).code, 0)
})

test('a new optional field, a new version and a new event pass once they are locked', async (t) => {
  const { declare, say: events } = project(t)
  declare(placed('totalCents: z.int()'))
  await events('lock')
  const second = `export const second = defineEvent('order.placed', { topic: 'orders', version: 2, key: (data) => data.orderId, schema: z.object({ orderId: z.string() }) })\n`
  declare(placed('totalCents: z.int(), note: z.string().optional()') + second)
  const { code, said } = await events('check')
  assert.equal(code, 1)
  assert.match(said, /version 1, field note: a new optional field\.\n +Run seaworthy events lock/)
  assert.match(said, /order\.placed, version 2: is declared and not locked yet/)
  assert.match(said, /0 breaking changes, 2 that are not locked yet/)
  assert.match((await events('lock')).said, /2 changes\. Commit it/)
  assert.equal((await events('check')).code, 0)
  assert.match((await events('lock')).said, /is up to date/)
})

test('a schema that gives no JSON Schema, a lock that is none, and a folder without contracts are errors that say so', async (t) => {
  const { root, declare, say: events } = project(t)
  assert.match((await events('lock')).said, /No contract\/events file below .* exports an event/)
  declare(placed('totalCents: z.int()'))
  writeFileSync(join(root, 'events.lock.json'), '{}')
  assert.match((await events('check')).said, /is no lock of events/)
  rmSync(join(root, 'events.lock.json'))
  declare(
    `const schema = { '~standard': { version: 1, vendor: 'mine', validate: (value) => ({ value }) } }\nexport const odd = defineEvent('odd', { topic: 'orders', version: 1, key: () => 'k', schema })\n`,
  )
  assert.match((await events('lock')).said, /its vendor mine does not implement Standard JSON Schema/)
  assert.match((await say('events', 'lock', '--root', join(tmpdir(), 'nowhere-at-all'))).said, /cannot be read/)
})

const locked = { topic: 'orders', key: '{orderId}', schema: { type: 'object', properties: {} } }
const brief = (changes: readonly LockChange[]) => changes.map(({ event, version, kind, what }) => `${event} ${version} ${kind}: ${what}`)

test('an event or a version that is gone, another topic and another key break', () => {
  const lock = { a: { 1: locked, 2: locked }, b: { 1: locked } }
  assert.deepEqual(brief(lockChanges(lock, { a: { 2: locked } })), [
    'a 1 breaking: was published and is no longer declared',
    'b 1 breaking: was published and is no longer declared',
  ])
  const moved = brief(lockChanges(lock, { ...lock, b: { 1: { ...locked, topic: 'sales', key: '{customerId}' } } }))
  assert.equal(moved.length, 2)
  assert.match(moved[0]!, /b 1 breaking: moved from topic orders to sales/)
  assert.match(moved[1]!, /b 1 breaking: has another key, \{customerId\} instead of \{orderId\}/)
  assert.deepEqual(lockChanges(lock, structuredClone(lock)), [])
})

test('a key is told by the fields that it takes', () => {
  interface Data {
    readonly orderId: string
    readonly place: { readonly city: string }
  }
  assert.equal(
    keyExpression((data: Data) => data.orderId),
    '{orderId}',
  )
  assert.equal(
    keyExpression((data: Data) => `${data.place.city}/${data.orderId}`),
    '{place.city}/{orderId}',
  )
  assert.equal(
    keyExpression((data: Data) => data.orderId.toLowerCase()),
    '{orderId.toLowerCase()}',
  )
  assert.equal(
    keyExpression(() => 'all'),
    'all',
  )
  assert.match(
    keyExpression((data: Data) => (JSON.parse(data.orderId) as { id: string }).id),
    /^function: /,
  )
})

test('the events of the shop are as they were published', async () => {
  const root = fileURLToPath(new URL('../../../../shop', import.meta.url))
  const { code, said } = await say('events', 'check', '--root', root)
  assert.equal(code, 0, said)
  assert.match(said, /versions of \d+ events are as they were published/)
})
