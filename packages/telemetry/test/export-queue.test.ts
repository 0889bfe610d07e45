import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { VirtualClock } from '@seaworthy/testing'
import * as fc from 'fast-check'
import { ExportQueue, type ExportTrouble, type SendResult, type Transport } from '../src/export-queue.ts'
import { spansInto } from '../src/span-queue.ts'

const span = (name: string, traceFlags = 1) => ({ name, spanContext: () => ({ traceId: 't', spanId: 's', traceFlags }) }) as ReadableSpan
const STORED: SendResult = { kind: 'stored', rejected: 0, why: '' }
const AWAY: SendResult = { kind: 'unreachable', why: 'ECONNREFUSED' }

/** A transport that answers as told, and remembers what it stored. */
function transport(
  answer: () => SendResult | Promise<SendResult>,
): Transport<ReadableSpan> & { readonly stored: string[]; batches: number; closed: boolean } {
  return {
    stored: [],
    batches: 0,
    closed: false,
    async send(spans) {
      this.batches++
      const result = await answer()
      if (result.kind === 'stored') this.stored.push(...spans.map(({ name }) => name))
      return result
    },
    close() {
      this.closed = true
    },
  }
}

test('spans of one moment share a request, and leave within the delay', async () => {
  const clock = new VirtualClock()
  const to = transport(() => STORED)
  const queue = new ExportQueue({ transport: to, clock, delayMs: 200 })
  for (const name of ['a', 'b', 'c']) queue.add(span(name))
  await clock.advance(199)
  assert.equal(to.batches, 0)
  await clock.advance(1)
  assert.equal(to.batches, 1)
  assert.deepEqual(to.stored, ['a', 'b', 'c'])
  assert.equal(clock.pending.length, 0)
})

test('a collector is asked again when it says, and within the hour whatever it says; what it warns of is told once a minute', async () => {
  const clock = new VirtualClock()
  const answers: SendResult[] = [
    { ...AWAY, retryAfterMs: 30_000 },
    { ...AWAY, retryAfterMs: 10 * 86_400_000 },
    { ...STORED, why: 'old' },
    { ...STORED, why: 'older' },
  ]
  const to = transport(() => answers.shift() ?? STORED)
  const troubles: ExportTrouble[] = []
  const queue = new ExportQueue({ transport: to, clock, batchSizeMax: 1, onTrouble: (trouble) => troubles.push(trouble) })
  queue.add(span('a'))
  await clock.advance(29_999)
  assert.equal(to.batches, 1)
  await clock.advance(1)
  assert.equal(to.batches, 2)
  await clock.advance(3_600_000)
  assert.deepEqual(to.stored, ['a'])
  queue.add(span('b'))
  await clock.advance(0)
  assert.deepEqual(
    troubles.filter(({ kind }) => kind === 'warned'),
    [{ kind: 'warned', why: 'old' }],
  )
})

test('a full batch leaves at once', async () => {
  const clock = new VirtualClock()
  const to = transport(() => STORED)
  const queue = new ExportQueue({ transport: to, clock, batchSizeMax: 2 })
  for (const name of ['a', 'b', 'c']) queue.add(span(name))
  await clock.advance(0)
  assert.deepEqual(to.stored, ['a', 'b'])
})

test('a span that was not sampled is not sent', async () => {
  const clock = new VirtualClock()
  const queue = new ExportQueue({ transport: transport(() => STORED), clock })
  spansInto(queue).onEnd(span('a', 0))
  assert.equal(queue.status.queued, 0)
})

test('nothing within the bound is lost while the collector is away, in any pattern of outages', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), fc.integer({ min: 1, max: 60 }), async (outages, count) => {
      const clock = new VirtualClock()
      const answers = [...outages]
      const to = transport(() => (answers.shift() === true ? AWAY : STORED))
      const queue = new ExportQueue({ transport: to, clock, batchSizeMax: 7, queueMax: 100 })
      const names = Array.from({ length: count }, (_, index) => `span ${index}`)
      for (const name of names) {
        queue.add(span(name))
        await clock.advance(20)
      }
      await clock.advance(300_000)
      assert.deepEqual(to.stored, names)
      assert.deepEqual(queue.status, { queued: 0, exported: count, dropped: 0 })
    }),
  )
})

test('beyond the bound the oldest are dropped, every loss is counted, and the trouble is told once', async () => {
  const clock = new VirtualClock()
  const troubles: ExportTrouble[] = []
  let isAway = true
  const to = transport(() => (isAway ? AWAY : STORED))
  const queue = new ExportQueue({ transport: to, clock, queueMax: 100, onTrouble: (trouble) => troubles.push(trouble) })
  for (let index = 0; index < 1_000; index++) {
    queue.add(span(`span ${index}`))
    await clock.advance(20)
  }
  isAway = false
  await clock.advance(60_000)
  const { exported, dropped, queued } = queue.status
  assert.equal(queued, 0)
  assert.equal(exported + dropped, 1_000)
  assert.ok(exported >= 89 && exported <= 100, `${exported} were kept`)
  assert.equal(to.stored.at(-1), 'span 999')
  assert.deepEqual(
    troubles.map(({ kind }) => kind),
    ['unreachable', 'back'],
  )
})

test('a collector that is away for moments, as at every start, is not worth a word', async () => {
  const clock = new VirtualClock()
  const troubles: ExportTrouble[] = []
  let isAway = true
  const to = transport(() => (isAway ? AWAY : STORED))
  const queue = new ExportQueue({ transport: to, clock, onTrouble: (trouble) => troubles.push(trouble) })
  queue.add(span('early'))
  await clock.advance(8_000)
  isAway = false
  await clock.advance(10_000)
  assert.deepEqual(to.stored, ['early'])
  assert.deepEqual(troubles, [])
})

test('spans that are made faster than the collector takes them are dropped and counted, and that is told once a minute', async () => {
  const clock = new VirtualClock()
  const troubles: ExportTrouble[] = []
  const to: Transport<ReadableSpan> = { send: () => new Promise(() => undefined), close: () => undefined }
  const queue = new ExportQueue({ transport: to, clock, queueMax: 10, batchSizeMax: 5, onTrouble: (trouble) => troubles.push(trouble) })
  for (let index = 0; index < 50; index++) queue.add(span(`span ${index}`))
  assert.deepEqual(troubles, [{ kind: 'overflow', dropped: 1 }])
  await clock.advance(60_000)
  for (let index = 0; index < 50; index++) queue.add(span(`span ${index}`))
  assert.equal(troubles.length, 2)
  // Five are on their way.
  assert.equal(queue.status.dropped + queue.status.queued, 95)
})

test('a collector that says when to come back is not asked before', async () => {
  const clock = new VirtualClock()
  const answers: SendResult[] = [{ kind: 'unreachable', why: '503', retryAfterMs: 30_000 }]
  const to = transport(() => answers.shift() ?? STORED)
  const queue = new ExportQueue({ transport: to, clock })
  queue.add(span('a'))
  await clock.advance(30_199)
  assert.equal(to.batches, 1)
  await clock.advance(1)
  assert.deepEqual(to.stored, ['a'])
})

test('a batch that the collector will never take does not hold up those behind it', async () => {
  const clock = new VirtualClock()
  const troubles: ExportTrouble[] = []
  const answers: SendResult[] = [{ kind: 'refused', why: '400' }]
  const to = transport(() => answers.shift() ?? STORED)
  const queue = new ExportQueue({ transport: to, clock, batchSizeMax: 2, onTrouble: (trouble) => troubles.push(trouble) })
  for (const name of ['a', 'b', 'c']) queue.add(span(name))
  await clock.advance(1_000)
  assert.deepEqual(to.stored, ['c'])
  assert.deepEqual(queue.status, { queued: 0, exported: 1, dropped: 2 })
  assert.deepEqual(troubles, [{ kind: 'refused', why: '400', count: 2 }])
})

test('a collector that refuses every batch is told of once a minute, with all that was lost meanwhile', async () => {
  const clock = new VirtualClock()
  const troubles: ExportTrouble[] = []
  const to = transport(() => ({ kind: 'refused', why: '404' }))
  const queue = new ExportQueue({ transport: to, clock, onTrouble: (trouble) => troubles.push(trouble) })
  for (let second = 0; second < 61; second++) {
    queue.add(span('a'))
    await clock.advance(1_000)
  }
  assert.equal(to.batches, 61)
  assert.deepEqual(troubles, [
    { kind: 'refused', why: '404', count: 1 },
    { kind: 'refused', why: '404', count: 60 },
  ])
})

test('what differs in size is bounded by its size too, waiting and in each request', async () => {
  const clock = new VirtualClock()
  const requests: string[][] = []
  let isAway = true
  const to: Transport<string> = {
    async send(items) {
      if (isAway) return AWAY
      requests.push([...items])
      return STORED
    },
    close: () => undefined,
  }
  const queue = new ExportQueue<string>({ transport: to, clock, size: { of: ({ length }) => length, queueMax: 100, batchMax: 10 } })
  for (const item of ['a'.repeat(60), 'b'.repeat(30), 'c'.repeat(30), 'd', 'e'.repeat(9), 'f'.repeat(12), 'g']) {
    queue.add(item)
    await clock.advance(300)
  }
  assert.deepEqual(queue.status, { queued: 6, exported: 0, dropped: 1 }, 'the oldest gave way')
  isAway = false
  await clock.advance(30_000)
  assert.deepEqual(
    requests.map((items) => items.map((item) => `${item.length}${item[0]}`).join(' ')),
    ['30b', '30c', '1d 9e', '12f', '1g'],
  )
  assert.deepEqual(queue.status, { queued: 0, exported: 6, dropped: 1 })
})

test('shutdown sends all that waits in as many requests as it takes', async () => {
  const clock = new VirtualClock()
  const to = transport(() => STORED)
  const queue = new ExportQueue({ transport: to, clock, batchSizeMax: 3, queueMax: 100 })
  for (let index = 0; index < 10; index++) queue.add(span(`span ${index}`))
  await queue.shutdown()
  assert.equal(to.stored.length, 10)
  assert.equal(to.closed, true)
  assert.equal(clock.pending.length, 0)
})

test('shutdown does not wait longer than its limit for a collector that hangs, and counts what is lost', async () => {
  const clock = new VirtualClock()
  const to: Transport<ReadableSpan> = {
    send: (_spans, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(AWAY))),
    close: () => undefined,
  }
  const queue = new ExportQueue({ transport: to, clock })
  queue.add(span('a'))
  let isDone = false
  const done = queue.shutdown().then(() => (isDone = true))
  await clock.advance(499)
  assert.equal(isDone, false)
  await clock.advance(1)
  await done
  assert.deepEqual(queue.status, { queued: 0, exported: 0, dropped: 1 })
  assert.equal(clock.pending.length, 0)
})
