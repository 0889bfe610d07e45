import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startPostgres } from '@seaworthy/testing/postgres-server'
import { Checkout } from './checkout.ts'
import { judge } from './judge.ts'
import { CASES } from './plants.ts'

function folder(t: TestContext): string {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-lab-test-'))
  t.after(() => rmSync(outDir, { recursive: true }))
  return outDir
}
const named = (name: string) => CASES.find((each) => each.name === name)!

// The whole lab takes a minute; what only a server can hold, and a pair, stand for all of it here.
test('the console names the lock’s holder in another program, the root of a chain, a letter that lay, and both of a pair', async (t) => {
  await using server = {
    instance: await startPostgres(),
    [Symbol.asyncDispose]() {
      return this.instance.stop()
    },
  }
  await using checkout = await Checkout.start({ outDir: folder(t), postgresUrl: (await server.instance.createDatabase()).url })
  for (const name of ['row-lock', 'lock-chain', 'queue-delay', 'slow-network and slow-query']) {
    const outcome = await checkout.play(named(name))
    const { plants, sums, unexplainedRatio } = judge(outcome)
    assert.ok(sums, name)
    assert.ok(unexplainedRatio <= 0.1, `${name}: ${unexplainedRatio} unexplained`)
    for (const { plant, isRight } of plants)
      assert.ok(isRight, `${plant.kind}: ${outcome.verdict.sentence} / ${outcome.verdict.whole?.sentence}`)
  }
})

test('without a server stock lies in SQLite, and what one process can plant is found all the same', async (t) => {
  const outDir = folder(t)
  await using checkout = await Checkout.start({ outDir, postgresUrl: undefined })
  assert.equal(checkout.canPlant(named('row-lock')), false)
  for (const name of ['starved-pool', 'slow-query', 'blocked-loop', 'n-plus-one']) {
    assert.equal(checkout.canPlant(named(name)), true)
    const outcome = await checkout.play(named(name))
    for (const { plant, isRight } of judge(outcome).plants) assert.ok(isRight, `${plant.kind}: ${outcome.verdict.sentence}`)
  }
  assert.ok(readdirSync(outDir).includes('stock.db'))
  assert.equal(readFileSync(join(outDir, 'processes.log'), 'utf8'), '')
})
