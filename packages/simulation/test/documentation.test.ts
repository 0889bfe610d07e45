import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import { type ExplorationResult, InvariantViolatedError } from '@seaworthy/simulation'

const page = readFileSync(new URL('../../../docs/simulation.md', import.meta.url), 'utf8')
const example = /<!-- executed by .*? -->\n```ts\n(.*?)```/s.exec(page)?.[1] ?? ''

/** Runs code as it stands on the page. A module from text finds no packages by itself: it is told where they are. */
async function execute(code: string): Promise<{ readonly result: ExplorationResult }> {
  const plain = stripTypeScriptTypes(code).replaceAll(/from '([^']+)'/g, (_, name: string) => `from '${import.meta.resolve(name)}'`)
  return (await import(`data:text/javascript,${encodeURIComponent(plain)}`)) as { readonly result: ExplorationResult }
}

test('the system of two services in the docs is under 60 lines, and survives as it stands there', async () => {
  assert.ok(example.trim().split('\n').length < 60)
  const { result } = await execute(example)
  assert.ok(result.runs > 150)
  assert.ok((result.struck.crash ?? 0) > 20)
})

test('the same system fails at once without its outbox, and without its inbox', async () => {
  const broken = (from: string, to: string, message: RegExp) => {
    assert.ok(example.includes(from), from)
    return assert.rejects(
      execute(example.replace(from, to)),
      (error) => error instanceof InvariantViolatedError && message.test(error.message),
    )
  }
  const append = "eventLog.append('orders', [orderPlaced({ id })])"
  await broken('await out.add(tx, orderPlaced({ id }))', `void ${append}.catch(() => {})`, /Event [ab] is lost: shipping/)
  await broken(
    `remembered.handle(async ({ key }, tx) => {
    await tx.execute({ sql: 'INSERT INTO parcels VALUES (?)', params: [key] })
  })`,
    "async ({ key }) => void (await db.atomically([{ sql: 'INSERT INTO parcels VALUES (?)', params: [key] }]))",
    /Event [ab] had its effect 2 times at shipping/,
  )
})
