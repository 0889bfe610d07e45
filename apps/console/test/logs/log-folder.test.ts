import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLogger } from '@seaworthy/telemetry/logger'
import * as fc from 'fast-check'
import { LogFolder } from '../../src/logs/log-folder.ts'
import { LogStore } from '../../src/logs/log-store.ts'
import { rowOfLine } from '../../src/logs/pino-line.ts'

function folders(t: TestContext): { folder: string; path: string } {
  const root = mkdtempSync(join(tmpdir(), 'log-folder-'))
  t.after(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'logs')
  mkdirSync(folder)
  return { folder, path: join(root, 'logs.sqlite') }
}

const line = (message: string) =>
  `${JSON.stringify({ level: 'info', time: '2026-11-27T07:00:00.000Z', service: 'orders', msg: message })}\n`

async function read(folder: string, store: LogStore): Promise<string[]> {
  const reader = new LogFolder({ folder, store })
  while (await reader.read());
  return (await store.list({ limit: 500 })).map(({ message }) => message).toReversed()
}

test('lines of our logger are stored with all that they say', () => {
  const written: string[] = []
  const logger = createLogger({ service: 'orders', instance: 'orders-1', destination: { write: (text) => void written.push(text) } })
  logger.warn({ orderId: 'o-1', err: new RangeError('too far') }, 'an order waits')
  const row = rowOfLine(written[0]!.trimEnd(), { service: 'file', nowMs: 1 })
  assert.partialDeepStrictEqual(row, { service: 'orders', instance: 'orders-1', severity: 13, message: 'an order waits', traceId: null })
  assert.ok(Math.abs(row.timeUs / 1_000 - Date.now()) < 60_000)
  assert.partialDeepStrictEqual(JSON.parse(row.body), { orderId: 'o-1', err: { type: 'RangeError', message: 'too far' } })
})

test('numeric levels, other lines and broken JSON are understood as far as they go', () => {
  const at = { service: 'file', nowMs: 1_700_000_000_000 }
  const severities = [10, 20, 30, 40, 50, 60].map((level) => rowOfLine(JSON.stringify({ level, time: 1_700_000_000_001 }), at).severity)
  assert.deepEqual(severities, [1, 5, 9, 13, 17, 21])
  assert.partialDeepStrictEqual(rowOfLine('TypeError: x is not a function', at), { service: 'file', severity: 17, timeUs: 1.7e15 })
  assert.partialDeepStrictEqual(rowOfLine('(node:1) MaxListenersExceededWarning: leak', at), { severity: 13 })
  assert.partialDeepStrictEqual(rowOfLine('{"level":30', at), { severity: 0, message: '{"level":30' })
  assert.partialDeepStrictEqual(rowOfLine('{"traceId":"no","time":"never","level":{}}', at), { traceId: null, timeUs: 1.7e15, severity: 0 })
})

test('a file is read as it grows, over a restart and a rotation: no line is missing, none is there twice', async (t) => {
  const { folder, path } = folders(t)
  const file = join(folder, 'orders.log')
  const first = await LogStore.open({ path })
  writeFileSync(file, line('one') + line('two') + line('three').slice(0, 30))
  assert.deepEqual(await read(folder, first), ['one', 'two'], 'a line without an end waits for it')
  await first.close()
  appendFileSync(file, line('three').slice(30) + line('four'))
  renameSync(file, `${file}.1`)
  writeFileSync(file, line('five'))
  const second = await LogStore.open({ path })
  t.after(() => second.close())
  assert.deepEqual(await read(folder, second), ['one', 'two', 'three', 'four', 'five'])
  assert.deepEqual(await read(folder, second), ['one', 'two', 'three', 'four', 'five'])
  writeFileSync(join(folder, 'payments.log'), line('other'))
  writeFileSync(join(folder, 'notes.txt'), line('not ours'))
  assert.deepEqual(await read(folder, second), ['one', 'two', 'three', 'four', 'five', 'other'])
})

test('a file that was emptied is read from its beginning', async (t) => {
  const { folder, path } = folders(t)
  const store = await LogStore.open({ path })
  t.after(() => store.close())
  writeFileSync(join(folder, 'orders.log'), line('before') + line('before'))
  await read(folder, store)
  writeFileSync(join(folder, 'orders.log'), line('after'))
  assert.deepEqual((await read(folder, store)).at(-1), 'after')
})

test('however a file grows, in whatever pieces, its lines are stored once and in their order', async (t) => {
  const { folder, path } = folders(t)
  const store = await LogStore.open({ path })
  t.after(() => store.close())
  let number = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }), async (cuts) => {
      const name = `service-${number++}`
      const text = Array.from({ length: 12 }, (_, index) => line(`${name} ${index}`)).join('')
      const reader = new LogFolder({ folder, store })
      let from = 0
      for (const cut of [...cuts, text.length]) {
        appendFileSync(join(folder, `${name}.log`), text.slice(from, from + cut))
        from += cut
        while (await reader.read());
      }
      const stored = (await store.list({ limit: 500, text: name })).map(({ message }) => message).toReversed()
      assert.deepEqual(
        stored.filter((message) => message.startsWith(`${name} `)),
        Array.from({ length: 12 }, (_, index) => `${name} ${index}`),
      )
    }),
    { numRuns: 12 },
  )
})

test('a line of a megabyte is taken in pieces and holds nothing up; a folder that is not there is no failure', async (t) => {
  const { folder, path } = folders(t)
  const store = await LogStore.open({ path })
  t.after(() => store.close())
  writeFileSync(join(folder, 'orders.log'), `${'x'.repeat(900_000)}\n${line('after')}`)
  const messages = await read(folder, store)
  assert.ok(messages.includes('after'), `${messages.length} records, and not the line after it`)
  assert.ok(messages.length < 20, `${messages.length} records`)
  assert.equal(await new LogFolder({ folder: join(folder, 'nothing'), store }).read(), false)
})
