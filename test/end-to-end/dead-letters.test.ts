import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { seaworthy } from './command.ts'
import { startShop, until } from './shop.ts'

const KEY = 'order-of-tomorrow'

/** Writes into a topic while nobody owns it: what code of tomorrow would publish, and two events behind it. */
function publishFromTomorrow(dataDir: string): void {
  using topic = new DatabaseSync(join(dataDir, 'event-log', 'orders.topic'))
  const { partition, next } = topic.prepare('SELECT partition, next_offset AS next FROM partition LIMIT 1').get() as {
    partition: number
    next: number
  }
  const event = (sequence: number, version: number) => ({
    id: `${KEY}-${sequence}`,
    type: 'order.completed',
    version,
    source: 'orders',
    key: KEY,
    sequence,
    time: new Date().toISOString(),
    correlationId: 'tomorrow',
    data: {
      orderId: KEY,
      customerId: 'c',
      lines: [{ productId: 'p', name: 'n', quantity: 1, priceCents: 1 }],
      totalCents: 1,
      token: 'hush',
    },
  })
  for (const [at, version] of [99, 1, 1].entries())
    topic
      .prepare('INSERT INTO record (partition, offset, appended_at_ms, event) VALUES (?, ?, ?, ?)')
      .run(partition, next + at, Date.now(), JSON.stringify(event(at + 1, version)))
  topic.prepare('UPDATE partition SET next_offset = ? WHERE partition = ?').run(next + 3, partition)
}

test('a poison event holds up its key alone; the command line and the console show it, and requeue it in order, audited', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-shop-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  await using first = await startShop({ dataDir, env: { SHOP_SEED: 'none' } })
  await first.stop()
  publishFromTomorrow(dataDir)
  await using shop = await startShop({ dataDir, env: { SHOP_SEED: 'none' } })
  const say = (...args: string[]) => seaworthy([...args, `--data-dir=${dataDir}`])

  const listed = await until(
    async () => {
      const said = await say('dead-letters', 'list', 'order-history')
      return said.split('\n').length >= 4 ? said : undefined
    },
    { timeoutMs: 20_000, what: 'three dead letters of one key' },
  )
  const rows = listed.split('\n').filter((line) => line.includes(KEY))
  assert.match(rows[0]!, /consumer:order-history +parked +orders\/order-of-tomorrow +order\.completed #1 .*Version 99/)
  assert.match(rows[1]!, /held .*#2/)
  assert.match(rows[2]!, /held .*#3/)
  const shown = await say('dead-letters', 'show', 'order-history', `${KEY}-1`)
  assert.match(shown, /"totalCents": 1/)
  assert.doesNotMatch(shown, /hush/, 'bodies are redacted as logs are')

  // The handler knows the version no better than before: the first fails again, and the others do not overtake it.
  await assert.rejects(say('dead-letters', 'requeue', 'order-history', '--key', KEY), (error: { code: number; stdout: string }) => {
    assert.equal(error.code, 1)
    assert.match(error.stdout, new RegExp(`^failed +${KEY}-1 .*Version 99[^]*3 are left`))
    return true
  })
  const response = await fetch(`${shop.console}/api/dead-letters/requeue`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'order-history', source: 'consumer:order-history', topic: 'orders', key: KEY }),
  })
  assert.equal(response.status, 200)
  assert.equal(((await response.json()) as { left: number }).left, 3)

  const audit = readFileSync(join(dataDir, 'audit.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: string; by: string; service: string; result?: { letters: { id: string }[] } })
  assert.deepEqual(
    audit.map(({ step, service }) => [step, service]),
    Array.from({ length: 2 }, () => ['asked', 'done'].map((step) => [step, 'order-history'])).flat(),
  )
  assert.match(audit[0]!.by, /command line/)
  assert.match(audit[2]!.by, /console/)
  assert.deepEqual(
    audit[1]!.result!.letters.map(({ id }) => id),
    [`${KEY}-1`],
  )
})
