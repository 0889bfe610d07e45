import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SeaworthyError } from 'seaworthy/core'
import { after, drained, published } from './events.ts'
import { logForTest } from './server.ts'

const KILOBYTE = 1_024
const MEGABYTE = 1_024 * KILOBYTE
const RECORDS = 1_200
const text = 'x'.repeat(20 * KILOBYTE)

void suite('memory on the way from and to Kafka', () => {
  test('is bounded for a consumer that is slower than what comes, and nothing is missed', async (t) => {
    const { log, openAnother, dispose } = await logForTest()
    t.after(dispose)
    for (let n = 1; n <= RECORDS; n += 30) {
      await log.append(
        'alpha',
        Array.from({ length: 30 }, (_, index) => published(`key${index}`, n + index, text)),
      )
    }
    const tight = await openAnother({ fetchAheadBytesMax: MEGABYTE, fetchBytesMax: MEGABYTE })
    const reader = await tight.reader({ topics: ['alpha'], group: 'slow' })
    const before = held()
    let most = 0
    const seen = new Set<string>()
    for (let turn = 0; turn < 40; turn++) {
      for (const record of await reader.poll({ max: 5, waitMs: 10_000 })) seen.add(record.event.id)
      // Time for whatever would be fetched beside it.
      await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, held() - before)
    }
    // What is ahead, a fetch on its way in its pieces, and the answer that is being taken apart.
    assert.ok(most < 8 * MEGABYTE, `${Math.round(most / MEGABYTE)} MiB of 24 lay in memory`)
    for (const { event } of await drained(reader, 100)) seen.add(event.id)
    assert.equal(seen.size, RECORDS)
  })

  test('is bounded for appends that come faster than they leave: more are refused, and stored is what was not', async (t) => {
    const { openAnother, dispose } = await logForTest({ partitions: 1 })
    t.after(dispose)
    const log = await openAnother({ bufferBytesMax: MEGABYTE })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, (_, index) => log.append('alpha', [published('a', index + 1, text)])),
    )
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    assert.equal(outcomes.length - refused.length, Math.floor(MEGABYTE / (20 * KILOBYTE + 300)))
    for (const error of refused) assert.ok(error instanceof SeaworthyError && error.code === 'limit-exceeded' && error.executed === 'no')
    const reader = await log.reader({ topics: ['alpha'], group: 'g' })
    const records = await drained(reader)
    assert.equal(records.length, outcomes.length - refused.length)
    await reader.commit(records.map(after))
    await log.append('alpha', [published('a', 101)])
    assert.equal((await drained(reader)).length, 1)
  })
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function held(): number {
  collect()
  return process.memoryUsage().arrayBuffers
}
