import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { IngestQueue } from '../../src/ingest-queue.ts'
import { type LogRow, logRow } from '../../src/logs/log-row.ts'
import { LogStore, type LogStoreOptions, ftsQuery } from '../../src/logs/log-store.ts'

const START_MS = 1_795_438_250_000
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

async function open(t: TestContext, options: Partial<LogStoreOptions> = {}): Promise<LogStore & { path: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'log-store-'))
  const path = options.path ?? join(folder, 'logs.sqlite')
  const store = await LogStore.open({ ...options, path })
  t.after(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  return Object.assign(store, { path })
}

const record = (message: string, more: Partial<LogRow> & { fields?: object } = {}): LogRow => {
  const { fields = {}, ...rest } = more
  const row = {
    timeUs: START_MS * 1_000,
    service: 'orders',
    instance: 'orders-1',
    severity: 9,
    traceId: null,
    spanId: null,
    correlationId: null,
  }
  return logRow({ ...row, ...rest, message, fields: fields as Record<string, unknown> })
}

const messages = async (store: LogStore, filter: Partial<Parameters<LogStore['list']>[0]> = {}) =>
  (await store.list({ limit: 100, ...filter })).map(({ message }) => message)

test('records are found by service, level, trace, span, correlation id, and all of them together', async (t) => {
  const store = await open(t)
  await store.write([
    record('began', { correlationId: 'c-1', traceId: TRACE_ID, spanId: '00f067aa0ba902b7' }),
    record('slow', { severity: 13, service: 'payments', correlationId: 'c-1', traceId: TRACE_ID }),
    record('broke', { severity: 17, service: 'payments' }),
  ])
  assert.deepEqual(await messages(store), ['broke', 'slow', 'began'], 'the last to arrive first')
  assert.deepEqual(await messages(store, { service: 'payments' }), ['broke', 'slow'])
  assert.deepEqual(await messages(store, { severityMin: 13 }), ['broke', 'slow'])
  assert.deepEqual(await messages(store, { severityMin: 17 }), ['broke'])
  assert.deepEqual(await messages(store, { severityMin: 5 }), ['broke', 'slow', 'began'])
  assert.deepEqual(await messages(store, { correlationId: 'c-1' }), ['slow', 'began'])
  assert.deepEqual(await messages(store, { traceId: TRACE_ID }), ['slow', 'began'])
  assert.deepEqual(await messages(store, { traceId: TRACE_ID, spanId: '00f067aa0ba902b7' }), ['began'])
  assert.deepEqual(await messages(store, { correlationId: 'c-1', service: 'payments', severityMin: 13, text: 'slow' }), ['slow'])
})

test('words are found in messages and fields, by their beginnings, and nothing in a search is an operator', async (t) => {
  const store = await open(t)
  await store.write([
    record('the card was declined', { fields: { err: { type: 'RejectedError', message: 'insufficient funds' } } }),
    record('stock reserved for 7 chairs', { fields: { sku: 'oak-chair-12' } }),
  ])
  assert.deepEqual(await messages(store, { text: 'decl' }), ['the card was declined'])
  assert.deepEqual(await messages(store, { text: 'DECLINED card' }), ['the card was declined'])
  assert.deepEqual(await messages(store, { text: 'insufficient' }), ['the card was declined'])
  assert.deepEqual(await messages(store, { text: 'oak-chair' }), ['stock reserved for 7 chairs'])
  assert.deepEqual(await messages(store, { text: 'card chairs' }), [], 'all words, not any')
  for (const text of ['card OR', '"', 'NEAR(', 'message:card', '*', '(', "'; DROP TABLE log; --", 'card"* OR "stock'])
    await messages(store, { text })
  assert.equal(ftsQuery(' " -- '), undefined)
})

test('pages go on where the one before ended, with and without words', async (t) => {
  const store = await open(t)
  await store.write(Array.from({ length: 25 }, (_, index) => record(`number ${index}`)))
  for (const text of [undefined, 'number']) {
    const seen: string[] = []
    for (let before: number | undefined; ;) {
      const page = await store.list({ limit: 10, text, before })
      seen.push(...page.map(({ message }) => message))
      before = page.at(-1)?.id
      if (page.length < 10) break
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, index) => `number ${24 - index}`),
    )
  }
})

test('old records go by age, and with them their words', async (t) => {
  const clock = new VirtualClock({ nowMs: START_MS })
  const store = await open(t, { ageMaxMs: 60_000, clock })
  await store.write([record('old')])
  await clock.advance(61_000)
  await store.write([record('young', { timeUs: clock.now() * 1_000 })])
  while (await store.prune());
  assert.deepEqual([await messages(store), store.records, store.trimmed], [['young'], 1, { size: 0, age: 1 }])
  assert.deepEqual(await messages(store, { text: 'old' }), [])
})

test('under a flood the file stays within its limit, the oldest go and are counted', async (t) => {
  const bytesMax = 1 << 20
  const store = await open(t, { bytesMax })
  const queue = new IngestQueue<LogRow>({ store, onStored: () => undefined, onError: (error) => assert.fail(String(error)) })
  const words = Array.from({ length: 50 }, (_, index) => `word${index}`).join(' ')
  for (let batch = 0; batch < 12; batch++) {
    queue.offer(Array.from({ length: 400 }, (_, index) => record(`batch ${batch} ${words}`, { correlationId: `c-${batch}-${index}` })))
    await queue.drain()
  }
  assert.ok(store.trimmed.size > 0)
  assert.equal(store.records + store.trimmed.size, queue.status.stored)
  assert.equal((await messages(store, { text: 'batch', limit: 1 }))[0]?.slice(0, 8), 'batch 11')
  assert.deepEqual(await messages(store, { correlationId: 'c-0-0' }), [])
  await store.close()
  assert.ok(statSync(store.path).size <= bytesMax * 2, `${statSync(store.path).size} bytes`)
})

test('a record that is too long is cut, and says so', async (t) => {
  const store = await open(t)
  await store.write([record('x'.repeat(100_000), { fields: { note: 'y'.repeat(100_000) } })])
  const [{ message, body } = { message: '', body: '' }] = await store.list({ limit: 1 })
  assert.ok(message.length <= 16_384 && message.endsWith('… (cut)'))
  assert.ok(body.length <= 16_384 && body.endsWith('… (cut)'))
})
