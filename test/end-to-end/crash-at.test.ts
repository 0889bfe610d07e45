import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from 'seaworthy/core'
import { customersArrive, customersShop } from './customers.ts'
import { expectedAfter, openedBooks, settled } from './settled.ts'
import { startShop, until } from './shop.ts'

/** Where a kill from outside never hits, by the names that the simulation gives to such places. */
const POINTS: Readonly<Record<string, readonly string[]>> = {
  // An order is committed and not published; published and not marked as sent; ready for its pivot, which was not asked for.
  orders: ['event-log:append:before#1', 'event-log:append:after#1', 'transport:shipping.book:request#1'],
  // The card is charged, and nobody was told.
  payments: ['transport:charge:reply#1'],
  inventory: ['database:commit:after#2'],
  // The letter is written, and will be handed out again.
  notifications: ['queue:letters:acknowledge:before#1'],
  // The event was counted, and will come again.
  analytics: ['event-log:offsets-analytics:before#1'],
}

test('processes that die exactly between a commit and what follows it lose nothing and do nothing twice', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-crash-at-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  // The first start migrates and seeds, which reaches most of the points too.
  await using seeding = await startShop({ dataDir })
  await openedBooks(seeding)
  await seeding.stop()

  const indexes = Object.entries(POINTS).flatMap(([service, points]) => points.map((point) => `${service}.${point}`))
  await using shop = await startShop({ dataDir, env: { SEAWORTHY_CRASH_AT: indexes.join(' ') } })
  const before = await openedBooks(shop)
  const customers = await customersArrive(shop.gateway, { count: 2 })
  const keys = Array.from({ length: 6 }, (_, number) => `crash-at-${number}`)
  const waiting = [...keys]
  const { answers, unanswered } = await customersShop(shop.gateway, {
    customers,
    random: seededRandom(1),
    nextKey: () => waiting.shift(),
    timeoutMs: 60_000,
  })
  for (const [service, points] of Object.entries(POINTS)) {
    await until(() => shop.process(service).restarts === points.length, {
      timeoutMs: 30_000,
      what: () => `${service} to die at ${points.join(' and at ')}; it was started again ${shop.process(service).restarts} times`,
    })
  }
  assert.deepEqual([...unanswered, ...(await settled(shop, expectedAfter(before, { keys, answers })))], [])
})
